import { describe, expect, test } from "bun:test";
import { isLoopbackHost, isPublicAddress } from "../../src/providers/address-check.ts";

const PUBLIC = [
  "1.1.1.1",
  "8.8.8.8",
  "9.255.255.255",
  "11.0.0.0",
  "100.63.255.255",
  "100.128.0.0",
  "169.253.255.255",
  "172.15.255.255",
  "172.32.0.0",
  "192.167.255.255",
  "198.20.0.0",
  "223.255.255.255",
  "2606:4700::1111",
  "2a00:1450:4010:c0e::8a",
  "::ffff:8.8.8.8",
  "64:ff9b::808:808",
  "2002:808:808::1",
];

const CLOSED = [
  "0.0.0.0",
  "0.1.2.3",
  "10.0.0.1",
  "10.255.255.255",
  "100.64.0.1",
  "100.127.255.255",
  "127.0.0.1",
  "127.255.255.254",
  "169.254.169.254",
  "172.16.0.1",
  "172.31.255.255",
  "192.0.0.1",
  "192.0.2.1",
  "192.88.99.1",
  "192.168.1.1",
  "198.18.0.1",
  "198.19.255.255",
  "198.51.100.7",
  "203.0.113.7",
  "224.0.0.1",
  "239.255.255.255",
  "240.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "::127.0.0.1",
  "::ffff:127.0.0.1",
  "::ffff:7f00:1",
  "::ffff:10.0.0.1",
  "0:0:0:0:0:ffff:a9fe:a9fe",
  "64:ff9b::7f00:1",
  "64:ff9b::10.0.0.1",
  "64:ff9b:1::1",
  "2002:7f00:1::",
  "2002:c0a8:101::1",
  "2001::1",
  "2001:0:4136:e378:8000:63bf:3fff:fdd2",
  "2001:db8::1",
  "3fff::1",
  "100::1",
  "fc00::1",
  "fd12:3456:789a::1",
  "fe80::1",
  "fe80::1%eth0",
  "fec0::1",
  "ff02::1",
];

const NO_ADDRESS = [
  "",
  "localhost",
  "2130706433",
  "0x7f000001",
  "0177.0.0.1",
  "127.1",
  "08.8.8.8",
  "8.8.8",
  "8.8.8.8.8",
  "8.8.8.256",
  " 8.8.8.8",
  "8.8.8.8\n",
  "2606:4700",
  "2606:4700::1111::1",
  "2606:4700:1:2:3:4:5:6:7",
  "2606::4700:1:2:3:4:5:6:7",
  "[2606:4700::1111]",
  "2606:4700::11111",
];

describe("an address", () => {
  for (const address of PUBLIC) test(`J9 ${address} is public`, () => expect(isPublicAddress(address)).toBe(true));
  for (const address of CLOSED) test(`J9 ${address} is not public`, () => expect(isPublicAddress(address)).toBe(false));
  for (const text of NO_ADDRESS) {
    test(`J9 ${JSON.stringify(text)} is not taken for an address`, () => expect(isPublicAddress(text)).toBe(false));
  }

  test("J9 loopback is this machine under each of its names and nothing else", () => {
    for (const host of ["localhost", "127.0.0.1", "127.0.0.2", "[::1]", "::1"]) expect(isLoopbackHost(host)).toBe(true);
    for (const host of ["localhost.example", "128.0.0.1", "10.0.0.1", "[::2]", "0.0.0.0", ""]) {
      expect(isLoopbackHost(host)).toBe(false);
    }
  });
});
