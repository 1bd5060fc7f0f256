import { openClientAnswers, openLicensedManifest, openPollReply, openSignInAnswers, openUpdateManifest, openUpdateStream } from './answers.ts'
import { openAuditRecords } from './audit.ts'
import { openCalls, openSessionLines } from './calls.ts'
import type { Decoder } from './decoder.ts'
import { openLegHeads, openLinkFrames, openSftpPackets } from './frames.ts'
import { openPapers, openPolicyFile } from './papers.ts'

/** Every decoder that reads what another party wrote (goal D23). `root` is an empty folder that it may fill. */
export const decoders: Record<string, (at: { root: string }) => Decoder | Promise<Decoder>> = {
  'poll-reply': openPollReply,
  'client-answers': openClientAnswers,
  'update-stream': openUpdateStream,
  'update-manifest': openUpdateManifest,
  'licensed-manifest': openLicensedManifest,
  'sign-in-answers': openSignInAnswers,
  papers: openPapers,
  'policy-file': openPolicyFile,
  calls: openCalls,
  'session-lines': openSessionLines,
  'link-frames': openLinkFrames,
  'leg-heads': openLegHeads,
  'sftp-packets': openSftpPackets,
  'audit-records': openAuditRecords,
}
