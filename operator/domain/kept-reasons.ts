/** Reasons for which a generation stays beside rules and counts: who plans says them, and who reads a plan knows them by their words. */

/** Each base has numbers of its own in its reason, so a summary has one for all. */
export const baseOfKept = "base of a kept one";
export const ofFormerPolicy = "of a former policy";
export const notDelivered = "a required sink has not verified it";
export const onUnknownState = "nothing is removed on unknown state";

/** Whether it stays for something else than the rules, so that they have let it go once only this is left. */
export const isBesideRules = (why: string): boolean =>
  why === baseOfKept || why === ofFormerPolicy || why === notDelivered || /^held(?: until [^ ]+)?: /.test(why);
