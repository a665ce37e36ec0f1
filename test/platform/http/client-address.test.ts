import { describe, expect, test } from "bun:test";
import { OperatorError } from "../../../src/platform/errors.ts";
import {
  addressNetwork,
  clientAddress,
  isTrusted,
  trustedProxiesFrom,
} from "../../../src/platform/http/client-address.ts";

const PROXIES = trustedProxiesFrom(["10.0.0.0/8", "127.0.0.1", "::1", "2001:db8:ffff::/48"]);

function client(peer: string, forwardedFor?: string | null, trustedProxies = PROXIES): string {
  return clientAddress({ peer, forwardedFor, trustedProxies });
}

describe("P7 who the client is", () => {
  test("P7 without a trusted proxy the header is the client's own writing", () => {
    expect(client("203.0.113.9", "1.2.3.4")).toBe("203.0.113.9");
    expect(client("203.0.113.9", "10.0.0.1, 127.0.0.1")).toBe("203.0.113.9");
    expect(client("10.0.0.1", "1.2.3.4", trustedProxiesFrom([]))).toBe("10.0.0.1");
  });

  test("P7 behind one trusted proxy it is the last entry, whatever the client wrote in front", () => {
    expect(client("10.0.0.1", "198.51.100.7")).toBe("198.51.100.7");
    expect(client("10.0.0.1", "1.1.1.1, 127.0.0.1, 198.51.100.7")).toBe("198.51.100.7");
  });

  test("P7 the walk goes from right to left past every trusted hop and stops at the first other one", () => {
    expect(client("127.0.0.1", "6.6.6.6, 198.51.100.7, 10.1.1.1, 10.2.2.2")).toBe("198.51.100.7");
    expect(client("::1", "6.6.6.6, 2001:db8::5, 2001:db8:ffff::1")).toBe("2001:db8::5");
  });

  test("P7 when every hop is trusted the leftmost counts", () => {
    expect(client("10.0.0.1", "10.0.0.3, 10.0.0.2")).toBe("10.0.0.3");
  });

  test("P7 without a header, or with an empty one, it is the peer", () => {
    for (const header of [undefined, null, "", " ", ",", " , ,"]) expect(client("10.0.0.1", header)).toBe("10.0.0.1");
  });

  test("P7 an entry that is no address ends the walk at the hop that passed it on", () => {
    for (const entry of ["unknown", "_hidden", "1.2.3", "1.2.3.4.5", "999.1.1.1", "<script>", "010.0.0.1", "0x7f.1"]) {
      expect(client("10.0.0.1", `198.51.100.7, ${entry}`)).toBe("10.0.0.1");
      expect(client("10.0.0.1", `198.51.100.7, ${entry}, 10.0.0.2`)).toBe("10.0.0.2");
    }
  });

  test("P7 IPv4 inside IPv6 is IPv4, as the peer and in the header, in every spelling", () => {
    expect(client("::ffff:10.0.0.1", "198.51.100.7")).toBe("198.51.100.7");
    expect(client("::FFFF:0A00:0001", "::ffff:c633:6407")).toBe("198.51.100.7");
    expect(client("0:0:0:0:0:ffff:10.0.0.1", "::ffff:198.51.100.7")).toBe("198.51.100.7");
    expect(client("::ffff:203.0.113.9", "1.2.3.4")).toBe("203.0.113.9");
  });

  test("P7 one address has one spelling, so that nobody gets two allowances for it", () => {
    const spellings = ["2001:DB8::5", "2001:db8:0:0:0:0:0:5", "2001:0db8::0005", "[2001:db8::5]", "[2001:db8::5]:443"];
    for (const spelling of spellings) expect(client("10.0.0.1", spelling)).toBe("2001:db8::5");
    expect(client("fe80::1%eth0")).toBe("fe80::1");
    expect(client("10.0.0.1", "198.51.100.7:4711")).toBe("198.51.100.7");
  });

  test("P7 a header of thousands of trusted hops is not walked to its end", () => {
    expect(client("10.0.0.1", `6.6.6.6, ${"10.0.0.2, ".repeat(2_000)}10.0.0.3`)).toBe("10.0.0.2");
  });
});

describe("P7 networks", () => {
  const cases: [network: string, inside: string, outside: string][] = [
    ["10.0.0.0/8", "10.255.255.255", "11.0.0.0"],
    ["192.168.1.128/25", "192.168.1.128", "192.168.1.127"],
    ["203.0.113.7/32", "203.0.113.7", "203.0.113.6"],
    ["203.0.113.7", "203.0.113.7", "203.0.113.8"],
    ["0.0.0.0/0", "8.8.8.8", "2001:db8::1"],
    ["2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"],
    ["2001:db8::8/125", "2001:db8::f", "2001:db8::10"],
    ["::1", "::1", "::2"],
    ["::/0", "2001:db8::1", "8.8.8.8"],
    ["::/64", "::5", "8.8.8.8"],
    ["::ffff:10.0.0.0/104", "10.1.2.3", "11.0.0.1"],
    ["10.0.0.0/8", "::ffff:10.1.2.3", "::ffff:11.1.2.3"],
  ];
  for (const [network, inside, outside] of cases) {
    test(`P7 ${network} holds ${inside} and not ${outside}`, () => {
      expect(isTrusted(trustedProxiesFrom([network]), inside)).toBe(true);
      expect(isTrusted(trustedProxiesFrom([network]), outside)).toBe(false);
    });
  }

  test("P7 a faulty entry stops the program with a sentence that names it", () => {
    for (const entry of [
      "",
      "10.0.0.0/33",
      "10.0.0.0/-1",
      "10.0.0.0/",
      "10.0.0.0/8/8",
      "::/129",
      "proxy.local",
      "10.0.0/8",
      "::ffff:10.0.0.0/8",
    ]) {
      expect(() => trustedProxiesFrom(["127.0.0.1", entry])).toThrow(OperatorError);
      expect(() => trustedProxiesFrom([entry])).toThrow(`"${entry}"`);
    }
  });
});

test("requests are counted by IPv4 address and by the /64 of an IPv6 address", () => {
  expect(addressNetwork("198.51.100.7")).toBe("198.51.100.7");
  expect(addressNetwork("::ffff:198.51.100.7")).toBe("198.51.100.7");
  expect(addressNetwork("2001:db8:1:2:3:4:5:6")).toBe("2001:db8:1:2::");
  expect(addressNetwork("2001:db8:1:2::9")).toBe("2001:db8:1:2::");
  expect(addressNetwork("2001:db8::9")).toBe("2001:db8::");
  expect(addressNetwork("::1")).toBe("::");
  expect(addressNetwork("unix-socket")).toBe("unix-socket");
});
