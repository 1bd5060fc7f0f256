import { uint32 } from '../../cli/ssh-config/ssh-wire.ts'

/** A packet that a client of SFTP version 3 sends, made of fields in SSH's own encodings (draft-ietf-secsh-filexfer-02 section 3). */
export function sftpPacket(type: number, id: number, ...fields: Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.from([type]), uint32(id), ...fields])
  return Buffer.concat([uint32(body.length), body])
}
