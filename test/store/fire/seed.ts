/** What is drawn by lot is drawn by this number, which every suite prints. */
export const seed = Number(process.env["HANDOVER_FIRE_SEED"] ?? "1");
