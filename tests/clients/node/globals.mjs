// Node 18, which Debian 12 brings, keeps Web Crypto out of the global scope; both clients look for it there.
import { webcrypto } from 'node:crypto'

globalThis.crypto ??= webcrypto
globalThis.CryptoKey ??= webcrypto.CryptoKey
