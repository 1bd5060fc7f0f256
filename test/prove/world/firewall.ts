/**
 * What a strict hospital and a strict desk do, in nft's language: nothing comes in that was not asked for, and nothing goes out but to these addresses on port 443.
 * Counters tell what was tried (D7). The hospital translates addresses, and forgets a connection that is not in its table: a later packet of it is dropped.
 */
export function hospitalWall(family: 4 | 6, servers: string[]): string {
  const ip = family === 4 ? 'ip' : 'ip6'
  return `table inet wall {
  set servers { type ${family === 4 ? 'ipv4_addr' : 'ipv6_addr'}; elements = { ${servers.join(', ')} } }
  counter allowed { }
  counter other { }
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state invalid drop
    ct state established,related accept
    iifname "device" ${ip} daddr @servers tcp dport 443 counter name allowed accept
    iifname "device" counter name other
  }
  chain translate {
    type nat hook postrouting priority 100;
    oifname "above" masquerade
  }
}`
}

export function deskWall(family: 4 | 6, servers: string[]): string {
  const ip = family === 4 ? 'ip' : 'ip6'
  return `table inet wall {
  set servers { type ${family === 4 ? 'ipv4_addr' : 'ipv6_addr'}; elements = { ${servers.join(', ')} } }
  counter allowed { }
  counter other { }
  chain input {
    type filter hook input priority 0; policy drop;
    iifname "lo" accept
    ct state established,related accept
    meta l4proto icmpv6 accept
  }
  chain output {
    type filter hook output priority 0; policy accept;
    oifname "lo" accept
    ct state established,related accept
    meta l4proto icmpv6 icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, mld2-listener-report, mld-listener-report } accept
    ${ip} daddr @servers tcp dport 443 counter name allowed accept
    counter name other drop
  }
}`
}
