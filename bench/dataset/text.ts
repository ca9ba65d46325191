/** Text as apps write it: documents of which compressors make a third, log lines of which they make an eighth. */
import type { Random } from "./random.ts";

const words =
  `order customer payment invoice address delivery product price the of and with from into after before status open closed
pending failed retry queue worker request response session user account email phone street city country note comment page
article title author created updated deleted version draft published category label image file attachment size type name`.split(
    /\s+/,
  );
const paths = ["/", "/login", "/api/v1/orders", "/api/v1/customers", "/static/app.js", "/wiki/page", "/search"];
const agents = [
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1",
  "kube-probe/1.35",
];

/** About so many bytes of prose with numbers in it. */
export function documentText(random: Random, bytes: number): string {
  const parts: string[] = [];
  for (let length = 0; length < bytes;) {
    const word = random.below(6) === 0 ? random.below(1_000_000).toString(36) : words[random.below(words.length)]!;
    parts.push(word);
    length += word.length + 1;
  }
  return parts.join(" ").slice(0, bytes);
}

/** At least so many bytes of lines of an access log. @param second of the first line, since the epoch */
export function logText(random: Random, bytes: number, second: number): string {
  const lines: string[] = [];
  let at = second;
  for (let length = 0; length < bytes;) {
    at += random.below(3) === 0 ? 1 : 0;
    const line = `10.${random.below(4)}.${random.below(16)}.${random.below(250)} - - [${new Date(at * 1000).toISOString()}] "GET ${paths[random.below(paths.length)]}?id=${random.below(5000)} HTTP/1.1" ${random.below(20) === 0 ? 404 : 200} ${random.below(9000)} "-" "${agents[random.below(agents.length)]}"\n`;
    lines.push(line);
    length += line.length;
  }
  return lines.join("");
}
