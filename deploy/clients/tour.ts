// The tour of README with a client that is generated from the OpenAPI document: an agency refers, an organisation
// accepts, an auditor asks. `node tour.js URL` takes the tokens AGENCY, ORGANISATION and AUDITOR from the environment.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Referral = components["schemas"]["ReferralAnswer"];
type Problem = components["schemas"]["Problem"];

const baseUrl = process.argv[2] ?? "http://127.0.0.1:8640";

function clientOf(person: string) {
  const headers = { Authorization: `Bearer ${process.env[person] ?? ""}` };
  return createClient<paths>({ baseUrl, headers });
}

function answered<T>(answer: { data?: T; error?: Problem }): T {
  assert.equal(answer.error, undefined);
  assert.ok(answer.data !== undefined);
  return answer.data;
}

const agency = clientOf("AGENCY");
const organisation = clientOf("ORGANISATION");
const auditor = clientOf("AUDITOR");

// The agency refers.
const { now } = answered(await agency.GET("/v1/sandbox/clock"));
const referral: components["schemas"]["ReferralBody"] = {
  programme: "mtw-be-2026",
  to: "brugwerk",
  client: { ref: "CL-TS01" },
  contact: { name: "Yusuf (demo)", phone: "+32 470 00 00 03" },
  contactLanguage: "tr",
  languages: [{ tag: "nl", level: "B1", evidence: "TESTED" }],
  occupations: [{ isco: "5120" }],
  region: "BE234",
  goals: ["SOCIAL"],
  whyMentoring: "ADDED_CAPITAL",
  alternativeConsidered: "JOB_COACHING",
  eligibility: { REGISTERED_JOBSEEKER: true, RIGHT_TO_WORK: true, NO_CONCURRENT_PROGRAMME: true },
  participationChoice: { chosenAt: now, method: "IN_PERSON", language: "tr" },
  legalBasis: { kind: "CONSENT", recipient: "brugwerk", textVersion: "v3", language: "tr", givenAt: now },
};
const key = { header: { "Idempotency-Key": "ts-tour-1" } };
const made = await agency.POST("/v1/referrals", { params: key, body: referral });
const offer: Referral = answered(made);
const written = made.response.headers.get("Position") ?? "";
assert.equal(made.response.status, 201);
assert.equal(offer.state, "SUBMITTED");
assert.ok(offer.dueAt.receipt !== undefined);

// The same key is answered as the first time.
const again = await agency.POST("/v1/referrals", { params: key, body: referral });
assert.equal(answered(again).id, offer.id);
assert.equal(again.response.headers.get("Idempotency-Replayed"), "true");

// A command can be tried without consequences.
const path = { referral_id: offer.id };
const tried = await agency.POST("/v1/referrals/{referral_id}/withdraw", {
  params: { path, header: { "If-Match": '"1"' }, query: { dryRun: true } },
  body: { reason: "CLIENT_MOVED" },
});
assert.equal(answered(tried).state, "WITHDRAWN");
assert.equal(answered(tried).dryRun, true);

// A refusal has a code of a list that the client knows.
const refused = await agency.POST("/v1/referrals", {
  params: { header: { "Idempotency-Key": "ts-tour-2" } },
  body: { ...referral, legalBasis: { ...referral.legalBasis!, recipient: "samenstap" } },
});
const code: components["schemas"]["RefusalCode"] | undefined = refused.error?.code;
assert.equal(code, "LEGAL_BASIS_RECIPIENT");
assert.equal(refused.error?.errors?.[0]?.pointer, "/legalBasis/recipient");

// The organisation finds it on its worklist, and in the feed with the data of its type.
const worklist = answered(await organisation.GET("/v1/worklist", { params: { query: { waitFor: written } } }));
assert.ok(worklist.items.some((item) => item.case === offer.case && item.step === "REFERRAL_ANSWER"));
const feed = answered(await organisation.GET("/v1/feed", { params: { query: { limit: 200, waitFor: written } } }));
const submitted = feed.items.filter((event) => event.type === "org.caserelay.referral.submitted.v1");
assert.ok(submitted.some((event) => event.data.clientRef === "CL-TS01"));

// It receives and accepts; a version that has moved on is refused.
const received = await organisation.POST("/v1/referrals/{referral_id}/receive", {
  params: { path, header: { "If-Match": '"1"' } },
});
assert.equal(answered(received).state, "RECEIVED");
const accept = { coordinator: "lotte.claes" };
const stale = await organisation.POST("/v1/referrals/{referral_id}/accept", {
  params: { path, header: { "If-Match": '"1"' } },
  body: accept,
});
assert.equal(stale.response.status, 412);
assert.equal(stale.error?.code, "STALE_VERSION");
const accepted = await organisation.POST("/v1/referrals/{referral_id}/accept", {
  params: { path, header: { "If-Match": received.response.headers.get("ETag") ?? "" } },
  body: accept,
});
assert.equal(answered(accepted).state, "ACCEPTED");

// The coordinator may read how to reach the person, and the agency sees that it was read.
const { contact } = answered(await organisation.GET("/v1/referrals/{referral_id}/contact", { params: { path } }));
assert.equal(contact.name, "Yusuf (demo)");
const disclosures = answered(await agency.GET("/v1/referrals/{referral_id}/disclosures", { params: { path } }));
assert.ok(disclosures.items.some((one) => one.what === "CONTACT" && one.to.sub === "lotte.claes"));

// The auditor asks who is responsible, and how it came to that.
const handed = accepted.response.headers.get("Position") ?? "";
const ofCase = { path: { case_id: offer.case ?? "" }, query: { waitFor: handed } };
const responsible = answered(await auditor.GET("/v1/cases/{case_id}/responsibility", { params: ofCase }));
assert.ok(responsible.steps.some((step) => step.step === "INTAKE" && step.owner.sub === "lotte.claes"));
const timeline = answered(await auditor.GET("/v1/cases/{case_id}/timeline", { params: ofCase }));
assert.ok(timeline.items.some((item) => item.type === "ResponsibilityTransferred"));

console.log("the tour is over: the TypeScript client was answered as its types say");
