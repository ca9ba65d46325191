// Run by `helm test` in the image of the controller. Ends with exit code 1 and the reason when something is wrong.
const base = process.env.URL_OF_CONTROLLER;
const version = process.env.EXPECTED_VERSION;
const get = async (path) => {
  const answer = await fetch(base + path, { signal: AbortSignal.timeout(5000) });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${path} answers ${answer.status}: ${text}`);
  return text;
};
const check = async () => {
  const ready = await get("/readyz");
  const metrics = await get("/metrics");
  if (!metrics.includes(`handover_build_info{version="${version}"} 1`)) throw new Error(`the controller is not of version ${version}`);
  return ready;
};
for (let attempt = 1; ; attempt++) {
  try {
    process.stdout.write(`${await check()}version: ${version}\n`);
    break;
  } catch (error) {
    if (attempt === 15) {
      process.stderr.write(`${error.message}${error.cause ? `: ${error.cause.message}` : ""}\n`);
      process.exit(1);
    }
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
}
