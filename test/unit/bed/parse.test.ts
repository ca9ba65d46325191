import { describe, expect, test } from "@jest/globals";
import { debianMirror } from "../../cluster/bed/base-image.ts";
import { passedOn } from "../../cluster/bed/buildah.ts";
import { debianSuite, fullName, parseDockerfile } from "../../cluster/bed/dockerfile.ts";
import { parseOptions } from "../../cluster/bed/options.ts";
import { missingPackages } from "../../cluster/bed/packages.ts";
import { BedError, stateDir } from "../../cluster/bed/paths.ts";

describe("a command line", () => {
  test("gives each cluster a kubeconfig of its own unless one is named", () => {
    expect(parseOptions(["up", "--name", "a"])?.kubeconfig).toMatch(/\/\.cluster\/a\/kubeconfig$/);
    expect(parseOptions(["up", "--kubeconfig", "/x/y"])?.kubeconfig).toBe("/x/y");
  });

  test.each([
    [["up", "--name", "../etc"]],
    [["up", "--name", "a".repeat(31)]],
    [["up", "--name", "9a"]],
    [["up", "--port", "0"]],
    [["up", "--port", "6443x"]],
    [["up", "--provider", "minikube"]],
    [["up", "extra"]],
    [["upp"]],
    [["up", "--nmae", "a"]],
  ])("%j is refused with advice", (argv) => {
    expect(() => parseOptions(argv)).toThrow(BedError);
  });

  test("hands the program of exec on as it is", () => {
    expect(parseOptions(["exec", "--name", "a", "--", "ip", "--brief", "link"])?.rest).toEqual([
      "ip",
      "--brief",
      "link",
    ]);
  });

  test("the longest name still leaves room for a unix socket in the state directory", () => {
    expect(`${stateDir("a".repeat(30))}/api.sock`.length).toBeLessThan(108);
  });
});

describe("a Dockerfile", () => {
  test("depends on bases and copied files, not on its own stages", () => {
    const text = [
      "ARG SUITE=trixie",
      "FROM debian:${SUITE}-slim AS build",
      "COPY package.json \\",
      "  # why the lock file",
      "  package-lock.json ./",
      'COPY ["a b", "/to"]',
      "FROM scratch AS empty",
      "FROM build",
      "COPY --from=build /x /y",
      "COPY --chown=1:1 dist/ /opt/",
    ].join("\n");
    const { bases, sources } = parseDockerfile(text);
    expect(bases).toEqual(["debian:trixie-slim"]);
    expect(sources).toEqual(expect.arrayContaining(["package.json", "package-lock.json", "dist/"]));
    expect(sources).not.toContain("/x");
    expect(parseDockerfile(text, { SUITE: "forky" }).bases).toEqual(["debian:forky-slim"]);
  });

  test.each([
    ["debian:forky-slim", "forky"],
    ["docker.io/library/debian:trixie", "trixie"],
    ["postgres:17", undefined],
    ["elsewhere/debian:forky", undefined],
  ])("base %s can be made from the Debian suite %s", (image, suite) => {
    expect(debianSuite(image)).toBe(suite);
  });

  test.each([
    ["debian:forky-slim", "docker.io/library/debian:forky-slim"],
    ["handover/handover", "docker.io/handover/handover:latest"],
    ["localhost/pause:1", "localhost/pause:1"],
    ["registry.test:5000/a/b", "registry.test:5000/a/b:latest"],
  ])("%s is in full %s", (image, name) => {
    expect(fullName(image)).toBe(name);
  });
});

describe("what is taken from the machine", () => {
  test("only proxies and checks of dates are passed on from apt", () => {
    const dump = [
      'Acquire::http::Proxy "http://proxy.test:3128";',
      'Acquire::Check-Valid-Until "false";',
      'Acquire::https::user::token "secret";',
      'DPkg::Post-Invoke:: "rm -rf /x";',
      'Acquire::http::Proxy "";',
    ].join("\n");
    expect(passedOn(dump)).toBe(
      'Acquire::http::Proxy "http://proxy.test:3128";\nAcquire::Check-Valid-Until "false";\n',
    );
  });

  test("the mirror is found in both formats of sources, comments aside", () => {
    expect(debianMirror("# deb http://old.test/debian x\ndeb [arch=amd64] https://m.test/debian trixie main")).toBe(
      "https://m.test/debian",
    );
    expect(debianMirror("Types: deb\nURIs: http://m.test/debian/\nSuites: trixie")).toBe("http://m.test/debian/");
    expect(debianMirror("deb http://m.test/debian-security trixie main")).toBeUndefined();
  });

  test("a missing program names its package, each once", () => {
    const needs = { ctr: "containerd", containerd: "containerd", ip: "iproute2" };
    expect(missingPackages(needs, (name) => (name === "ip" ? "/sbin/ip" : undefined))).toEqual(["containerd"]);
  });
});
