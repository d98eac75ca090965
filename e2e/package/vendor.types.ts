/**
 * Compiled and never run: an app that is written against the vendor's published types compiles against ours. What it
 * passes is taken, and what it gets is what it expects.
 */
import type { CloudSessionInterface, NIMCloudSession } from '@yxim/nim-web-sdk/dist/types/nim/CloudSessionInterface'
import type { NIMMessage } from '@yxim/nim-web-sdk/dist/types/nim/MessageInterface'
import type { NIMSystemMessage } from '@yxim/nim-web-sdk/dist/types/nim/SystemMessageInterface'
import type { NIMGetInstanceOptions } from '@yxim/nim-web-sdk/dist/types/nim/types'
import type {
  CloudSessionServiceInterface, NIMECloudSession, NIMEQueryCloudSessionListResult,
} from 'nim-web-sdk-ng/dist/NIM_BROWSER_SDK/CloudSessionServiceInterface'
import type { IMMessage } from 'nim-web-sdk-ng/dist/NIM_BROWSER_SDK/MsgServiceInterface'
import type { IMEventInterface, NIMEInstanceStatus, NIMInitializeOptions } from 'nim-web-sdk-ng/dist/NIM_BROWSER_SDK/NIMInterface'
import type { SystemMessage } from 'nim-web-sdk-ng/dist/NIM_BROWSER_SDK/SystemMessageServiceInterface'
import type { NimCore } from 'recents/nim'
import type * as ng from 'recents/nim-ng'
import type * as web from 'recents/nim-web'

/** Compiles when every `Ours` can stand where the vendor's is expected. */
function fits<Ours extends Vendors, Vendors>(): [Ours, Vendors] | undefined {
  return undefined
}

export function compileOnly(url: string, webOptions: NIMGetInstanceOptions, ngOptions: NIMInitializeOptions): void {
  // Version 9 of the Web SDK.
  fits<web.NIMCloudSession, NIMCloudSession>()
  fits<web.NIMMessage, NIMMessage>()
  fits<web.NIMSystemMessage, NIMSystemMessage>()
  fits<NIMGetInstanceOptions & { url: string }, web.NIMGetInstanceOptions>()
  const nim = webNIM().getInstance({ ...webOptions, url })
  const sessions: CloudSessionInterface = nim
  sessions.getServerSessions({ done: (_error, { sessionList, hasMore }) => [sessionList.length, hasMore] })
  fits<Parameters<NonNullable<web.NIMGetInstanceOptions['onSyncUpdateServerSession']>>,
    Parameters<NonNullable<NIMGetInstanceOptions['onSyncUpdateServerSession']>>>()
  nim.disconnect({ done: () => nim.destroy({ done: () => {} }) })

  // nim-web-sdk-ng.
  fits<ng.NIMECloudSession, NIMECloudSession>()
  fits<ng.IMMessage, IMMessage>()
  fits<ng.SystemMessage, SystemMessage>()
  fits<Awaited<ReturnType<ng.CloudSessionService['queryCloudSessionList']>>, NIMEQueryCloudSessionListResult>()
  fits<ng.CloudSessionService, CloudSessionServiceInterface>()
  fits<NIMInitializeOptions & { url: string }, ng.NIMInitializeOptions>()
  fits<ng.NIM['status'], NIMEInstanceStatus>()
  fits<Exclude<keyof ng.NIMEvents, keyof IMEventInterface>, never>()
  fits<ng.NIMEvents['multiSyncUpdateCloudSession'], IMEventInterface['multiSyncUpdateCloudSession']>()
  const next = ngNIM().getInstance({ ...ngOptions, url })
  const cloud: CloudSessionServiceInterface = next.cloudSession
  next.on('multiSyncUpdateCloudSession', (session) => session satisfies NIMECloudSession)
  void cloud.queryCloudSession({ sessionId: 'p2p-bob' })
  // @ts-expect-error: the vendor has no such event, and we send none
  next.on('msg', () => {})

  // The Dart SDK has no TypeScript; that its calls are there is all that can be said.
  fits<'queryMySessionList' | 'queryMySession' | 'updateMySession' | 'deleteMySession' | 'onMySessionUpdate', keyof NimCore['messageService']>()
}

declare function webNIM(): typeof web.NIM
declare function ngNIM(): typeof ng.NIM
