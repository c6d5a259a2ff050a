// A whole login with oauth4webapi, whose users write the polling loop themselves: one function for each step.
import './globals.mjs'
import { setTimeout as sleep } from 'node:timers/promises'
import { refusal, tell, told } from './telling.mjs'
import * as oauth from 'oauth4webapi'

const { issuer, algorithm, client_secret, scope } = told
const client = { client_id: told.client_id }
const authentication = client_secret ? oauth.ClientSecretPost(client_secret) : oauth.None()
const http = { [oauth.allowInsecureRequests]: issuer.startsWith('http:') }
const url = new URL(issuer)
const as = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, { algorithm, ...http }))

const asked = await deviceAuthorization()
tell(asked)
try {
  const { tokens, claims } = await polled()
  tell(await used(tokens, claims))
} catch (error) {
  tell(refusal(error))
}

async function deviceAuthorization() {
  const answer = await oauth.deviceAuthorizationRequest(as, client, authentication, { scope }, http)
  return oauth.processDeviceAuthorizationResponse(as, client, answer)
}

async function polled() {
  let interval = asked.interval
  for (;;) {
    await sleep(interval * 1000)
    const answer = await oauth.deviceCodeGrantRequest(as, client, authentication, asked.device_code, http)
    try {
      const tokens = await oauth.processDeviceCodeResponse(as, client, answer)
      await oauth.validateApplicationLevelSignature(as, answer, http)
      return { tokens, claims: oauth.getValidatedIdTokenClaims(tokens) }
    } catch (error) {
      if (error.error === 'slow_down') interval += 5
      else if (error.error !== 'authorization_pending') throw error
    }
  }
}

async function used(tokens, claims) {
  const userinfo = await userInfo(tokens.access_token, claims.sub)
  const access = await accessTokenClaims(tokens.access_token)
  const refreshed = await refresh(tokens.refresh_token)
  const alive = await introspected(refreshed.access_token)
  const answer = await oauth.revocationRequest(as, client, authentication, refreshed.refresh_token, http)
  await oauth.processRevocationResponse(answer)
  const dead = await introspected(refreshed.access_token)
  const afterwards = await refresh(refreshed.refresh_token).catch(refusal)
  return { tokens, claims, userinfo, access, refreshed, alive, dead, afterwards }
}

async function userInfo(token, subject) {
  const answer = await oauth.userInfoRequest(as, client, token, http)
  return oauth.processUserInfoResponse(as, client, subject, answer)
}

// What a resource server does with the token (RFC 9068 4).
async function accessTokenClaims(token) {
  const request = new Request(issuer, { headers: { authorization: `Bearer ${token}` } })
  return oauth.validateJwtAccessToken(as, request, as.issuer, http)
}

async function refresh(token) {
  const answer = await oauth.refreshTokenGrantRequest(as, client, authentication, token, http)
  return oauth.processRefreshTokenResponse(as, client, answer)
}

async function introspected(token) {
  if (!client_secret) return null
  const answer = await oauth.introspectionRequest(as, client, authentication, token, http)
  return oauth.processIntrospectionResponse(as, client, answer)
}
