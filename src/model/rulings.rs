//! Rulings: what the documentation of Conditional Access leaves open, and what holds here.
//!
//! Each has a test. "Row" is a row of the conformance table and "case" a case beside it, all in `tests/decision_table`;
//! "open" is `tests/decision_table/open.yaml`. Where a ruling could go either way it goes the way that allows less.
//!
//! | # | left open | ruling | held by |
//! |---|---|---|---|
//! | 1 | order and number of reasons when several conditions fail | a trace names every condition; the first that fails, in the order of evaluation, is the reason; service principal risk has the name `servicePrincipalRisk` | `trace_shows_every_condition_and_policy_as_the_oracle_does` |
//! | 2 | whether a service principal is named by object id or app id | by object id; the app id is a fact of its own and names nobody | rows 5, 6; open 2 |
//! | 3 | whether disabled policies are listed | a trace lists them as `notEnabled`; those left out by name as `unknown` | row 51; case `unknown` |
//! | 4 | no address | unknown: in no excluded location, in every included one; `missingIp: outsideAll` says outside of all | row 37 |
//! | 5 | no country beside an address | the bundle's database is asked; without one the country is unknown | open 5 |
//! | 6 | a country that contradicts the address | the request is refused; GPS is another fact | open 6; `engine_and_oracle_give_the_same_answer` |
//! | 7 | whether policies for all resources cover a request for an authentication context | yes: the request is for a resource all the same | case `context-and-all` |
//! | 8 | `hidden`, `none` and `unknownFutureValue` as levels | the first two match where they are listed; a policy with the third is refused | row 43; open 8; diagnostic `unknown-value` |
//! | 9 | a list beside an including filter | either is enough | case `filter-or-list` |
//! | 10 | null in rules | two-valued: a negative operator is the negation of the positive one, `-not` is plain | rows 86 to 91; open 10 |
//! | 11 | IPv4-mapped addresses, prefixes, zones, ranges | mapped is IPv4, any prefix length, no zones, bounds are inside | open 11; `facts_that_cannot_be_used_are_refused_and_never_absent` |
//! | 12 | users and workloads in one policy | each kind of identity is judged by its own fields | open 12; case `own-fields-both` |
//! | 13 | controls other than `block` for workloads | the bundle is refused: nothing else can be asked of a workload | diagnostic `workload-control` |
//! | 14 | the name of agent execution environments | a condition without a known name is kept and warned about, so its policy applies to more | open 14 |
//! | 15 | members of the suites | the ids that are publicly verified, replaced by `suites` of `bundle.yaml` | cases `suite-replaced`, `portals-replaced` |
//! | 16 | `All` in an exclude list | it excludes all, which is warned about | open 16; diagnostic `excludes-all` |
//! | 17 | exports that drop agent fields | the policy targets nobody, which is warned about | open 17; diagnostic `empty-scope` |
//! | 18 | insider risk, `times` and `clients` | the first is judged, the others refuse the bundle | open 18; diagnostic `unsupported` |
//! | 19 | the state of a restored policy | what the export says; one with `deletedDateTime` takes no part | diagnostic `deleted-policy` |
//! | 20 | how large a location may be | as large as its author likes, within the bounds of a bundle | open 20 |
//! | 21 | GPS locations for workloads | unless the request says, the country is unknown | open 21 |
//! | 22 | authentication contexts for workloads | as for anybody: `resource.authenticationContext` | open 22 |
//! | 23 | applications that became multitenant | no longer covered | row 4; open 23 |
//! | 24 | roles of workloads; roles that are activated for a time | workloads have none; a request lists what is active now | row 62; open 24 |
//!
//! Beyond these:
//!
//! - **Baseline scopes.** A request for nothing but baseline scopes is for Windows Azure Active Directory. The legacy
//!   behaviour, which a tenant can hold on to for a while, is not offered: it exempts such requests. Rows 85a to 85c.
//!   Doors for token services that are not Entra say no scopes without an application: which one it is, is unknown then.
//! - **An application's own ID token.** A confidential client that asks for nothing but OpenID scopes for one application
//!   asks for that application alone, so an exclusion exempts it. Confidential is who says a `credential.type` other than
//!   `none`. A public client asks for the directory beside it, and who says no credential may be one: then the
//!   directory is unknown, which counts as asked for. Row 85c.
//! - **Device code flow.** The device that somebody signs in on is not the one that gets the token. So with this flow
//!   `compliantDevice` and `domainJoinedDevice` are never satisfied, and filters and conditions in Cedar see an unregistered
//!   device. Cases `device-code-*`.
//! - **On the way to a compliant device.** A request for nothing but the registration of a device, its enrolment with Intune or
//!   the scope with which the Authenticator app registers is not asked for `compliantDevice`. A policy that would do with
//!   another control that can be had on the spot asks for that one. Cases `way-*`.
//! - **Names of tenants.** An id and a name of a tenant, such as its domain, cannot be compared: an owner or a home that is
//!   said in the one way, beside a bundle that says it in the other, is unknown. Cases `owner-domain`, `home-domain-*`.
//! - **GPS and report-only.** A report-only policy never decides; that Entra may interrupt a sign-in to ask for GPS is left
//!   to the token service. Row 85d.
//! - **Report-only and user actions.** Entra does not evaluate report-only policies for user actions at sign-in; its What
//!   If does. Here they are evaluated and reported as any other: that changes no decision, and silence would read as
//!   success. Case `report-only-action`, diagnostic `report-only-action`.
//! - **Service dependencies** are not looked up; a caller names every resource that is meant. Row 85e.
//! - **Personal accounts.** Graph has no word for personal Microsoft accounts. They are told by their home tenant, as
//!   `externalTenants` can say in Graph's own words, or by the kind of guest `personalMicrosoftAccount`, in requests and
//!   policies. A block that means them as such says to use a work account. Cases `personal-*`.
//! - **Legacy clients** satisfy what the token service says they satisfy; Entra's cannot do MFA, so it says nothing. Row 80.
//! - **Authentication strengths.** A combination that is restricted to certain keys or issuers is met only by id. Of what
//!   a policy expands counts what the bundle's strength of that id allows too, if there is one; a policy that expands nothing
//!   means the bundle's strength, then the built-in one. Cases `strength-*`.
//! - **Risk remediation** brings along the multifactor strength, unless the policy names one, and sign-in every time; no other
//!   control stands for it. Cases `remediation-*`.
//! - **Session controls** are merged so that the session satisfies every policy: the shortest time, and both factors if any
//!   policy asks for both. Filtering profiles are listed, because Global Secure Access orders them. `session.yaml`.
//! - **Several resources.** The custom security attributes of a request are those of the one resource that it names. Beside
//!   several they are nobody's, and unknown: those of one must not exempt another. Case `filter-several`.
//! - **Published policy sets.** A template has no state, so it counts as a disabled policy. Names are not unique: policies
//!   without an id that share one are all in force. Diagnostics `policy-template`, `duplicate-name`.
//! - **Agents as resources.** What the request or the catalogue says decides. Where neither does a resource may be an agent, so
//!   that a policy for `AllAgentIdResources` covers it. Graph's `@odata.type` tells agent identities and blueprints, whose
//!   principals are in no policy's scope. Cases `agent-resources-*`, `blueprint-principal`; diagnostic `agent-resources`.
//! - **Private links and service tags.** No request says that it comes from one. A policy that names one is refused, and so
//!   is one that includes `AllTrusted` beside a trusted one; excluded, they exempt nobody. Diagnostics
//!   `unjudgeable-location`, `unjudgeable-trusted`.
//! - **Token exchange.** The intermediate exchange of an agent identity is never evaluated, unless the request names
//!   another resource or a user action beside it. Row 105; case `exchange-action`.
