/** Bytes of the nonce in front of a sealed blob: what AES-GCM is specified for. */
const nonceLength = 12

/**
 * Seals what is stored with the app's key. A blob is bound to its owner, store
 * and number, so that none can stand in another's place. A write that waits is
 * bound to its owner and store alone: it is numbered anew without being sealed anew.
 */
export class Seal {
  readonly #key: CryptoKey
  readonly #owner: string

  constructor(key: CryptoKey, owner: string) {
    this.#key = key
    this.#owner = owner
  }

  async close(store: string, number: number, blob: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    const iv = crypto.getRandomValues(new Uint8Array(nonceLength))
    const sealed = new Uint8Array(await crypto.subtle.encrypt(this.#params(iv, store, number), this.#key, blob))
    const out = new Uint8Array(nonceLength + sealed.length)
    out.set(iv)
    out.set(sealed, nonceLength)
    return out
  }

  /** The blob; undefined for one that this key, this owner or this place did not seal. */
  async open(store: string, number: number, sealed: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const params = this.#params(sealed.slice(0, nonceLength), store, number)
    try {
      return new Uint8Array(await crypto.subtle.decrypt(params, this.#key, sealed.subarray(nonceLength)))
    } catch {
      return undefined // WebCrypto says no more than OperationError
    }
  }

  #params(iv: Uint8Array<ArrayBuffer>, store: string, number: number): AesGcmParams {
    return { name: 'AES-GCM', iv, additionalData: new TextEncoder().encode(`${this.#owner}\n${store}\n${number}`) }
  }
}
