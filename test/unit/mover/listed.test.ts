/** What is read out of an ordinary line at once is what its JSON says. */
import { expect, test } from "@jest/globals";
import { describeListed, lookAt, pathOf, type Listed } from "../../../operator/mover/store/listed.ts";

const digest = "0123456789abcdef".repeat(4);
const head = { v: "uploads", p: "a/b-c_d e.txt" };
const owner = { m: "644", u: 0, g: 4_294_967_294, mt: "1795997400123456789" };
const file = { ...head, t: "f", s: 12, ...owner };

type Line = Listed & Readonly<Record<string, unknown>>;
const lines: readonly (readonly [string, Line])[] = [
  ["a file of this generation", { ...file, h: digest }],
  ["a file of another", { ...file, h: digest, in: "000001-20261130T000000Z-full" }],
  ["an empty one", { ...file, s: 0, h: digest }],
  ["a directory", { ...head, t: "d", ...owner }],
  ["the root", { ...head, p: ".", t: "d", ...owner }],
  ["a time of few digits", { ...file, mt: "7", h: digest }],
  ["a time before 1970", { ...file, mt: "-1500000000", h: digest }],
  ["a time of ten digits", { ...file, mt: "1000000007", h: digest }],
  ["attributes", { ...file, x: "ab", h: digest }],
  ["a file with several names", { ...file, i: "77", n: 2, h: digest }],
  ["a name that is escaped", { ...file, p: 'a"\\\n', h: digest }],
  ["a name of other letters", { ...file, p: "ä/\u007f", h: digest }],
  ["a name that looks like a line", { ...file, p: '","t":"d","m":"1', h: digest }],
  ["a name that is no UTF-8", { v: "uploads", b64: "Yf8=", t: "f", s: 1, ...owner, h: digest }],
  ["a link", { ...head, t: "l", ...owner, l: "to" }],
  ["a pipe", { ...head, t: "p", ...owner }],
  ["a device", { ...head, t: "c", ...owner, r: "259" }],
];

test.each(lines)("%s", (_what, listed) => {
  expect(lookAt(JSON.stringify(listed))).toEqual({
    record: describeListed(listed),
    path: pathOf(listed),
    stored: listed.in === undefined ? listed.h : undefined,
    attributes: listed.x,
    size: listed.s ?? 0,
  });
});
