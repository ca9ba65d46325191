/** One entry, one image: `controller` talks to Kubernetes and never touches data, `mover` touches data and never talks to Kubernetes. */
const usage = `usage: handover controller | mover | guard | give-back | cli

  controller   watches BackupPolicies, BackupRuns and RestoreRequests and works on them
  mover        carries out one task, given in HANDOVER_TASK; started by the controller in a Job
  guard        starts one app again that was stopped, if nobody else does in time; started by the controller in a Job
  give-back    starts every app that is still held stopped, and ends; for the time after the controller
  cli          the commands for people, with the rights of a kubeconfig: handover cli --help
`;

const [command] = process.argv.slice(2);
switch (command) {
  // Loaded on demand: a mover starts while an app is down, and must not wait for the controller's libraries.
  case "controller":
    await (await import("./controller.ts")).runController();
    break;
  case "mover":
    await (await import("./mover-start.ts")).startMover();
    break;
  // Of the making of an image: what the mover is to start with.
  case "compile-mover":
    await (await import("./mover-start.ts")).compileMover();
    break;
  case "give-back":
    await (await import("./give-back.ts")).giveBackAll();
    break;
  case "guard":
    await (await import("./guard.ts")).runGuard();
    break;
  case "cli":
    await (await import("./cli/program.ts")).runCliProcess(process.argv.slice(3));
    break;
  case undefined:
  default: {
    const asked = command === "--help" || command === "help";
    process[asked ? "stdout" : "stderr"].write(usage);
    process.exitCode = asked ? 0 : 2;
  }
}
