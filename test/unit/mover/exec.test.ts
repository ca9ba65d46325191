/** That no failure of a process is ever taken for success, and that the cause is named, not the victim. */
import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { describe, expect, test } from "@jest/globals";
import { blame, CommandError, isDiskFull } from "../../../operator/mover/errors.ts";
import { pipeline, run } from "../../../operator/mover/exec.ts";
import { HashTap } from "../../../operator/mover/store/digest.ts";

describe("one process", () => {
  test("gets its arguments as they are, through no shell", async () => {
    const odd = "$(reboot) `x` 'a' \"b\" *; |\n";
    expect((await run(["printf", "%s", odd], { stdout: "capture" })).stdout).toBe(odd);
  });

  test("gets a minimal environment in the C locale", async () => {
    process.env["HANDOVER_TEST_SECRET"] = "x";
    const { stdout } = await run(["env"], { stdout: "capture", env: { PGHOST: "h" } });
    expect(stdout).not.toContain("HANDOVER_TEST_SECRET");
    expect(stdout).toMatch(/^LC_ALL=C$/m);
    expect(stdout).toMatch(/^PGHOST=h$/m);
  });

  test("that fails is an error with what it said last", async () => {
    await expect(run(["ls", "/does/not/exist"])).rejects.toMatchObject({
      tool: "ls",
      exitCode: 2,
      message: expect.stringMatching(/No such file/),
    });
    await expect(run(["ls", "/does/not/exist"], { okCodes: [0, 2] })).resolves.toMatchObject({ code: 2 });
    await expect(run(["no-such-program"])).rejects.toMatchObject({
      exitCode: null,
      message: expect.stringMatching(/not started/),
    });
  });

  test("keeps only the tail of what it says", async () => {
    const { stderrTail } = await run(["sh", "-c", "yes noise | head -c 10000000 >&2; echo last >&2"]);
    expect(stderrTail.length).toBeLessThan(20_000);
    expect(stderrTail.endsWith("last\n")).toBe(true);
  });

  test("ends when it is aborted", async () => {
    const started = Date.now();
    await expect(run(["sleep", "30"], { signal: AbortSignal.timeout(100) })).rejects.toThrow(/timeout/);
    expect(Date.now() - started).toBeLessThan(4_000);
  });
});

describe("a pipeline", () => {
  test.each([
    ["was aborted before", { signal: AbortSignal.abort() }],
    ["has nothing to read", { stdin: { file: "/does/not/exist" } }],
  ])("that %s leaves no stream open", async (_what, ends) => {
    const target = createWriteStream("/dev/null");
    const taps = [new HashTap(), createWriteStream("/dev/null")] as const;
    for (const stdout of [target, taps])
      await expect(pipeline([{ argv: ["cat"] }], { ...ends, stdout })).rejects.toThrow(/aborted|ENOENT/);
    for (const stream of [target, ...taps]) expect(stream.destroyed).toBe(true);
  });

  test("connects processes and taps the end", async () => {
    const tap = new HashTap();
    await pipeline([{ argv: ["cat"] }, { argv: ["tr", "a-z", "A-Z"] }], {
      stdin: Readable.from([Buffer.from("abc")]),
      stdout: [tap, createWriteStream("/dev/null")],
    });
    expect(tap.digest()).toEqual({
      size: 3,
      sha256: "b5d4045c3f466fa91fe2cc6abe79232a1a57cdf104f7a26e716e0a1e2789df78",
    });
  });

  test.each([
    ["first", [["ls", "/does/not/exist"], ["cat"]], "ls"],
    [
      "last",
      [
        ["cat", "/dev/zero"],
        ["ls", "/does/not/exist"],
      ],
      "ls",
    ],
    ["middle", [["cat", "/dev/zero"], ["ls", "/does/not/exist"], ["cat"]], "ls"],
    ["missing", [["cat", "/dev/zero"], ["no-such-program"]], "no-such-program"],
    [
      "truncated reader",
      [
        ["cat", "/dev/zero"],
        ["head", "-c", "1"],
      ],
      "cat",
    ],
  ] as const)("fails when the %s one fails", async (_which, argvs, culprit) => {
    const [first, ...rest] = argvs.map((argv) => ({ argv: argv as unknown as readonly [string, ...string[]] }));
    if (first === undefined) throw new Error("no stage");
    await expect(pipeline([first, ...rest])).rejects.toMatchObject({ tool: culprit });
  });

  test("fails with the full disk, not with its victims", async () => {
    const failure = await pipeline([{ argv: ["cat", "/dev/zero"] }, { argv: ["cat"] }], {
      stdout: createWriteStream("/dev/full"),
    }).catch((error: unknown) => error);
    expect(isDiskFull(failure)).toBe(true);
    expect(blame(failure, { full: "HO-C902", otherwise: "HO-T501", what: "x" }).code).toBe("HO-C902");
  });

  test("fails with the full disk of its last program, not with the one before it that had to be stopped", async () => {
    // Such is the last word of tar when only a part of a piece found room.
    const extract = "echo 'tar: ./photo: Wrote only 512 of 10240 bytes' >&2; exit 2";
    const failure = await pipeline([{ argv: ["sleep", "30"] }, { argv: ["sh", "-c", extract] }]).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ tool: "sh", exitCode: 2 });
    expect(isDiskFull(new CommandError("tar", 2, null, "tar: ./photo: Wrote only 512 of 10240 bytes"))).toBe(true);
    expect(isDiskFull(new CommandError("tar", 2, null, "tar: ./photo: Cannot open: Permission denied"))).toBe(false);
  });

  test("knows a full disk from the words of a tool", async () => {
    const failure = await run(["cp", "/proc/version", "/dev/full"]).catch((error: unknown) => error);
    expect(isDiskFull(failure)).toBe(true);
  });
});
