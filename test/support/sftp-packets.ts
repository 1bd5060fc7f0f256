/** What a client of SFTP version 3 sends: fields, and packets made of them (draft-ietf-secsh-filexfer-02 section 3). */
export function uint32(value: number): Buffer {
  const octets = Buffer.alloc(4)
  octets.writeUInt32BE(value)
  return octets
}

export function sftpText(value: string | Buffer): Buffer {
  const octets = typeof value === 'string' ? Buffer.from(value) : value
  return Buffer.concat([uint32(octets.length), octets])
}

export function sftpPacket(type: number, id: number, ...fields: Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.from([type]), uint32(id), ...fields])
  return Buffer.concat([uint32(body.length), body])
}
