// A whole login with openid-client: discovery, device flow, userinfo, refresh, introspection, revocation.
import './globals.mjs'
import { refusal, tell, told } from './telling.mjs'
import * as client from 'openid-client'

const { issuer, algorithm, client_id, client_secret, scope } = told
const authentication = client_secret ? client.ClientSecretBasic(client_secret) : client.None()
const plain = issuer.startsWith('http:') ? [client.allowInsecureRequests] : []
const config = await client.discovery(new URL(issuer), client_id, undefined, authentication, {
  algorithm,
  execute: [...plain, client.enableNonRepudiationChecks],
})

const asked = await client.initiateDeviceAuthorization(config, { scope })
tell(asked)
try {
  const tokens = await client.pollDeviceAuthorizationGrant(config, asked)
  tell(await used(tokens))
} catch (error) {
  tell(refusal(error))
}

async function used(tokens) {
  const claims = tokens.claims()
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub)
  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token)
  const alive = await introspected(refreshed.access_token)
  await client.tokenRevocation(config, refreshed.refresh_token)
  const dead = await introspected(refreshed.access_token)
  const afterwards = await client.refreshTokenGrant(config, refreshed.refresh_token).catch(refusal)
  return { tokens, claims, userinfo, refreshed, alive, dead, afterwards }
}

async function introspected(token) {
  return client_secret ? client.tokenIntrospection(config, token) : null
}
