/** A directory with everything that a file system can hold and that backup tools have stumbled over. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

export interface OddFiles {
  /** Entries that an archive holds, without the root. */
  readonly members: number;
  readonly sockets: number;
}

/** Needs root for the device and the owners. */
export function writeOddFiles(root: string): OddFiles {
  let members = 0;
  const at = (name: string | Buffer): Buffer =>
    Buffer.concat([Buffer.from(`${root}/`), Buffer.isBuffer(name) ? name : Buffer.from(name)]);
  const file = (name: string | Buffer, content = "x"): void => {
    writeFileSync(at(name), content);
    members += 1;
  };
  for (const name of [
    "new\nline",
    "quo'te\"s",
    "-rf",
    "--delete",
    " space ",
    "$(reboot)",
    "back\\slash",
    "st*r [a-z]?",
    "tab\tbed",
    "n".repeat(250),
    "ünïcode",
  ])
    file(name);
  file(Buffer.from([0x62, 0x61, 0x64, 0xff, 0xfe, 0x80]));
  file("empty", "");
  file("secret");
  chownSync(join(root, "secret"), 4321, 1234);
  // After the owner: changing that clears the bit.
  chmodSync(join(root, "secret"), 0o4640);
  file("old");
  utimesSync(join(root, "old"), 1, 1);
  file("ns");
  run("touch", ["-d", "2024-02-29 01:02:03.123456789", join(root, "ns")]);
  file("linked-1", "linked");
  linkSync(join(root, "linked-1"), join(root, "linked-2"));
  mkdirSync(join(root, "dir/empty"), { recursive: true });
  linkSync(join(root, "linked-1"), join(root, "dir/linked-3"));
  symlinkSync("../dir", join(root, "dir/loop"));
  symlinkSync(Buffer.from([0x2f, 0xff, 0x27]), at("dangling"));
  members += 6;
  const sparse = openSync(join(root, "sparse"), "w");
  ftruncateSync(sparse, 64 * 1024 * 1024);
  writeSync(sparse, "middle", 20 * 1024 * 1024);
  closeSync(sparse);
  run("mkfifo", [join(root, "fifo")]);
  run("mknod", [join(root, "device"), "c", "1", "3"]);
  members += 3;
  file("attributed");
  setAttribute(join(root, "attributed"), "user.colour", "b\u0001lue");
  setAttribute(join(root, "attributed"), "trusted.t", "1");
  file("listed");
  allowNamedUser(join(root, "listed"));
  members += deepPath(root);
  run("python3", [
    "-c",
    "import os,socket,sys; os.chdir(sys.argv[1]); socket.socket(socket.AF_UNIX).bind('socket')",
    root,
  ]);
  return { members, sockets: 1 };
}

/** Node and the base system have no command for it. */
export function setAttribute(path: string, name: string, value: string): void {
  run("python3", ["-c", "import os,sys; os.setxattr(sys.argv[1],sys.argv[2],sys.argv[3].encode())", path, name, value]);
}

/** An access list, as the kernel takes it: version, then tag, rights and id of each entry. */
export function allowNamedUser(path: string): void {
  const entries = ["01000600ffffffff", "02000400e1100000", "04000400ffffffff", "10000400ffffffff", "20000000ffffffff"];
  const script = "import os,sys; os.setxattr(sys.argv[1],'system.posix_acl_access',bytes.fromhex(sys.argv[2]))";
  run("python3", ["-c", script, path, `02000000${entries.join("")}`]);
}

/** A path of almost 4,000 bytes below the root, made step by step, since a single call takes 4,096 bytes at most. */
function deepPath(root: string): number {
  const script = `import os,sys
os.chdir(sys.argv[1])
n=0
for i in range(16):
    name=("d%02d" % i)+"x"*241
    os.mkdir(name); os.chdir(name); n+=1
open("leaf","w").write("deep")
print(n+1)`;
  return Number(run("python3", ["-c", script, root]));
}

export function run(
  program: string,
  args: readonly string[],
  options: {
    readonly cwd?: string;
    readonly env?: NodeJS.ProcessEnv;
    readonly okCodes?: readonly number[];
    readonly maxBuffer?: number;
  } = {},
): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: "utf8",
    maxBuffer: options.maxBuffer ?? 64 * 1024 * 1024,
    cwd: options.cwd,
    env: options.env ?? process.env,
  });
  if (error !== undefined) throw error;
  if (!(options.okCodes ?? [0]).includes(status ?? -1))
    throw new Error(`${program} ${args.join(" ")}: ${status}: ${stdout}${stderr}`);
  return stdout;
}

/** What differs between two trees, by content and every attribute, as rsync sees it; empty when nothing does. */
export const differences = (a: string, b: string): string =>
  run("rsync", [
    "-aHAXX",
    "--numeric-ids",
    "--checksum",
    "--delete",
    "--modify-window=-1",
    "--dry-run",
    "--itemize-changes",
    `${a}/`,
    `${b}/`,
  ]);
