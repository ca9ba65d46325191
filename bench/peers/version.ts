export const firstLine = (text: string): string => text.trim().split("\n")[0] ?? "";
