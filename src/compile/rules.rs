//! Every kind of diagnostic that compiling a bundle can give.
//!
//! Ids are stable. An error is what Graph refuses, or what doorward cannot judge; a warning is what surprises. The long
//! form of each is `rules/<id>.md`; a test compiles its example, and its fix.

use crate::filter;
use crate::text::{self, Diagnostic, Rule, Span};

/// Those of filter rules.
pub const FILTERS: &[&Rule] = filter::rules::ALL;

text::declare_rules! {
    /// A file whose kind doorward does not read.
    UNRECOGNISED_FILE: Warning, "unrecognised-file", "a bundle holds .json, .yaml, .yml, .cedar and .mmdb files";
    /// A document that is no policy, location, principal or settings.
    UNRECOGNISED_DOCUMENT: Error, "unrecognised-document", "a document is a policy, a named location, a service principal, or a list of them";
    /// A template in the place of a policy.
    POLICY_TEMPLATE: Warning, "policy-template", "a Conditional Access template has no state: nobody is blocked by it before it is made a policy, so it counts as a disabled one";
    /// A file that is left out by its author.
    IGNORED_FILE: Warning, "ignored-file", "`ignoredFiles` names it, so nothing that it says takes part in any decision";
    /// A setting that names a file that does not exist.
    UNKNOWN_FILE: Error, "unknown-file", "the setting names a file that is none of the policies, locations and other documents of the bundle";
    /// Two policies with one name and no id.
    DUPLICATE_NAME: Warning, "duplicate-name", "a policy without an id goes by its name; of two with one name both are in force, and logs and tests should say which";
    /// A member beside the list of a list response.
    STRAY_MEMBER: Error, "stray-member", "beside a `value` list only OData annotations may stand; anything else would be left unread";
    /// Something below `statements/` that is no statement.
    UNUSABLE_STATEMENT: Error, "unusable-statement", "a statement is a policy, enabled or disabled, that is claimed to follow from the others; nothing else below `statements/` would count";
    /// A second settings file.
    SECOND_SETTINGS: Error, "second-settings", "a bundle has one settings file; of two, one would silently not count";
    /// A policy in the recycle bin.
    DELETED_POLICY: Warning, "deleted-policy", "`deletedDateTime` is set, so the policy takes no part in any decision";
    /// A policy that asks for nothing.
    NO_CONTROLS: Error, "no-controls", "a policy has at least one grant or session control, or a `token` or `obligations`; without, it would apply and do nothing";
    /// A lifetime of tokens that is none.
    TOKEN_LIFETIME: Error, "token-lifetime", "a token lives for some seconds and at most a year; one that lives for none would be a block that does not say so";
    /// A claim that no policy states.
    RESERVED_CLAIM: Error, "reserved-claim", "what identifies a token, its subject and its rights is said by whoever issues it; a policy adds claims beside these";
    /// A token that is shaped and refused.
    TOKEN_WITH_BLOCK: Warning, "token-with-block", "`token` says what a token comes with that is let through, and a policy that blocks lets none through";
    /// Several controls without an operator.
    NO_OPERATOR: Error, "no-operator", "several controls need an operator: with OR any of them is enough, with AND all are needed";
    /// An entity of the catalogue twice.
    DUPLICATE_ENTITY: Error, "duplicate-entity", "an entity has one set of properties; of two, one would silently not count";
    /// A file with nothing in it.
    EMPTY_DOCUMENT: Warning, "empty-document", "the file holds no value, so it adds nothing to the bundle";
    /// One page of a list.
    INCOMPLETE_EXPORT: Error, "incomplete-export", "a list response with a next link is one page of several; the policies of the others would be missing";
    /// A value of the wrong kind.
    WRONG_TYPE: Error, "wrong-type", "every property has one type in Microsoft Graph";
    /// A required property that is missing.
    MISSING_PROPERTY: Error, "missing-property", "without this property the object cannot be judged";
    /// A property nobody knows.
    UNKNOWN_PROPERTY: Warning, "unknown-property", "the property is kept but decides nothing";
    /// A setting nobody knows.
    UNKNOWN_SETTING: Error, "unknown-setting", "a misspelt setting would silently leave the default in force";
    /// A value outside its vocabulary.
    UNKNOWN_VALUE: Error, "unknown-value", "a value that is not understood could widen access, so it is never ignored";
    /// A condition or setting that is not evaluated.
    UNSUPPORTED: Error, "unsupported", "what cannot be evaluated is refused, so that no policy is silently weaker than it reads";
    /// A strength whose combinations are restricted further.
    STRENGTH_CONFIGURATION: Warning, "strength-configuration", "a request says which methods were used, not which key or issuer; a combination that is restricted to some is met only when the token service says so by the strength's id";
    /// A strength that nothing describes.
    UNKNOWN_STRENGTH: Warning, "unknown-strength", "without its combinations a strength is met only when the token service says so by its id";
    /// Cedar that does not parse.
    CEDAR_SYNTAX: Error, "cedar-syntax", "a condition is an expression of the Cedar language, a `.cedar` file holds policies of it";
    /// Cedar that the schema refuses.
    CEDAR_TYPE: Error, "cedar-type", "a condition is checked strictly against the schema that `doorward schema cedar` prints";
    /// Cedar that asks whether a fact is known.
    CEDAR_UNKNOWN: Error, "cedar-unknown", "a fact that a request lacks is unknown and counts as matched, so a condition cannot ask whether it is there";
    /// Cedar that is too long or nested too deep.
    CEDAR_SIZE: Error, "cedar-size", "conditions are bounded in length and nesting, so that checking one always ends";
    /// A permit in Cedar.
    CEDAR_PERMIT: Error, "cedar-permit", "policies only take access away: what none of them forbids is allowed";
    /// Text in Cedar that would never match for its capital letters.
    CEDAR_CASE: Error, "cedar-case", "Cedar compares texts exactly; GUIDs, texts of devices and custom security attributes are in lower case there";
    /// Cedar that is never true.
    CEDAR_NEVER: Warning, "cedar-never", "a condition that is false for every request keeps its policy from ever applying";
    /// A placeholder in the place of an id.
    PLACEHOLDER: Error, "placeholder", "the text is a placeholder of a template, so it names nobody";
    /// An instruction of a template in a list of ids.
    TEMPLATE_TEXT: Warning, "template-text", "this text of Microsoft's templates names nobody";
    /// An address range that is none.
    ADDRESS_RANGE: Error, "address-range", "an address range is a prefix such as 203.0.113.0/24, or a lower and an upper address of one family";
    /// A prefix with host bits, written by hand.
    HOST_BITS: Warning, "host-bits", "a prefix covers whole networks, so the bits after its length are cleared";
    /// A country that is none.
    COUNTRY_CODE: Error, "country-code", "countries are two letters, ISO 3166-1 alpha-2";
    /// A list that would never contain anything.
    EMPTY_LOCATION: Warning, "empty-location", "nothing is ever inside this location";
    /// A location that was deleted.
    DELETED_LOCATION: Warning, "deleted-location", "a deleted location contains nothing, so it is left out";
    /// A resource condition that names nothing.
    NO_RESOURCE: Warning, "no-resource", "a policy whose resources name nothing applies to no request";
    /// A user's name in the place of an id.
    USER_NAME: Warning, "user-name", "accounts are named by object id; a sign-in name matches only callers that send it as the id";
    /// An exclusion of everything.
    EXCLUDES_ALL: Warning, "excludes-all", "an exclusion beats every inclusion, so the policy applies to none of them";
    /// MFA trusted IPs that are not configured.
    NO_MFA_TRUSTED_IPS: Warning, "no-mfa-trusted-ips", "no export contains the MFA trusted IPs; unless bundle.yaml lists them, no address is inside";
    /// An app registration in the place of a service principal.
    APP_REGISTRATION: Error, "app-registration", "policies name service principals (enterprise applications); the object id of an app registration matches none";
    /// A break-glass identity that default decisions block.
    BREAK_GLASS_DEFAULT: Error, "break-glass-default", "with `defaultDecision: block`, whoever no policy applies to is blocked, break-glass identities too";
    /// A policy that lets through by default what it only shapes.
    OPENING_POLICY: Warning, "opening-policy", "with `defaultDecision: block`, what some policy applies to is no longer blocked by default; a policy without grant controls lets all of it through";
    /// A timestamp that is none.
    TIMESTAMP: Error, "timestamp", "timestamps are RFC 3339, for example 2026-05-01T00:00:00Z";
    /// Two objects with one id.
    DUPLICATE_ID: Error, "duplicate-id", "an id stands for one object; with two, nobody could say which is in force";
    /// Two attributes with one name.
    DUPLICATE_ATTRIBUTE: Error, "duplicate-attribute", "filters name an attribute by set and name joined by an underscore, without regard to case, so that pair is unique; an object has at most 512";
    /// A named location that does not exist.
    UNKNOWN_LOCATION: Error, "unknown-location", "locations of a policy must be named locations of this bundle, by id or by name";
    /// A location that no request can be judged against.
    UNJUDGEABLE_LOCATION: Error, "unjudgeable-location", "no token request says whether it comes from a location of this kind";
    /// A trusted location that no request can be judged against.
    UNJUDGEABLE_TRUSTED: Warning, "unjudgeable-trusted", "`AllTrusted` means the trusted locations that a request can be judged against, which private links and service tags are not";
    /// Agents as resources, which nothing tells from applications.
    AGENT_RESOURCES: Warning, "agent-resources", "a resource that neither the request nor the catalogue says to be an application may be an agent, and counts as one";
    /// A service principal that does not exist.
    UNKNOWN_PRINCIPAL: Error, "unknown-principal", "a service principal is named by its object id, or by its name in this bundle's catalogue";
    /// A name that several objects share.
    AMBIGUOUS_NAME: Error, "ambiguous-name", "a name that several objects share does not say which is meant";
    /// An app id in the place of an object id.
    APP_ID: Warning, "app-id", "Conditional Access compares object ids of service principals; an app id matches none";
    /// A setting that names a policy that does not exist.
    UNKNOWN_POLICY: Error, "unknown-policy", "the setting names a policy that the bundle does not have";
    /// A policy that is left out by its author.
    IGNORED_POLICY: Warning, "ignored-policy", "`ignoredPolicies` names it, so it takes no part in any decision";
    /// A policy that targets nobody.
    EMPTY_SCOPE: Warning, "empty-scope", "a policy without users or workloads in scope applies to nobody";
    /// A break-glass identity that a policy blocks.
    BREAK_GLASS: Error, "break-glass", "a break-glass identity must stay outside every enabled policy that blocks";
    /// A break-glass identity that a policy may block.
    BREAK_GLASS_UNSURE: Error, "break-glass-unsure", "groups, roles and attributes are known only at request time, so this policy may block a break-glass identity";
    /// A country database that is missing or broken.
    COUNTRY_DATABASE: Error, "country-database", "the country database is a MaxMind-format file of this bundle that maps addresses to country codes";
    /// A country location without a database.
    NO_COUNTRY_DATABASE: Warning, "no-country-database", "without a country database the country is unknown unless the caller sends it, and unknown never widens access";
    /// `block` beside other controls.
    BLOCK_WITH_CONTROLS: Error, "block-with-controls", "`block` stands alone: whoever is blocked is never asked for anything else";
    /// Controls that a workload cannot meet.
    WORKLOAD_CONTROL: Error, "workload-control", "a policy for service principals or agent identities can only block: nobody is there to meet another control";
    /// A password change with other conditions or controls.
    PASSWORD_CHANGE: Error, "password-change", "`passwordChange` is for users at risk: all resources, `userRiskLevels` as the only condition, and with MFA alone, joined by AND";
    /// Applications, user actions and authentication contexts in one policy.
    RESOURCE_KINDS: Error, "resource-kinds", "a policy is for applications, for user actions, or for authentication contexts, never for two of them";
    /// Device registration with what it does not admit.
    REGISTER_DEVICE: Error, "register-device", "a policy for device registration admits MFA or an authentication strength alone, and neither client apps nor a device filter";
    /// A frequency of every time with a number.
    SIGN_IN_FREQUENCY: Error, "sign-in-frequency", "`everyTime` has neither `value` nor `type`; a number of hours or days goes with `timeBased`";
    /// Continuous access evaluation switched off for some.
    CAE_DISABLED: Error, "cae-disabled", "continuous access evaluation can be disabled only for all resources and without conditions";
    /// A country marked trusted.
    TRUSTED_COUNTRY: Error, "trusted-country", "only locations of address ranges and compliant networks can be trusted, so `AllTrusted` never contains a country";
    /// An include filter beside a word that leaves it nothing to add.
    RESOURCE_FILTER: Warning, "resource-filter", "an application filter adds to the applications that are listed beside it, and never narrows them";
    /// MFA twice.
    STRENGTH_WITH_MFA: Warning, "strength-with-mfa", "an authentication strength is a kind of MFA; Entra offers one of the two in a policy";
    /// A control that those in scope can never meet.
    UNMEETABLE_CONTROL: Warning, "unmeetable-control", "a control that cannot be met is a block that does not say so";
    /// A filter that includes by attributes that not every device shows.
    EXTENSION_ATTRIBUTE: Warning, "extension-attribute", "extension attributes are null for a device unless it is compliant, hybrid joined or managed by Intune, so a rule that needs one does not hold for others";
    /// A group that is excluded from a policy for agents' user accounts.
    AGENT_USER_GROUP: Warning, "agent-user-group", "agents' user accounts are named by `AllAgentIdUsers` or their ids; their groups and roles are not looked at";
    /// A report-only policy for user actions.
    REPORT_ONLY_ACTION: Warning, "report-only-action", "Entra does not evaluate report-only policies for user actions at sign-in, so its logs show no result; doorward reports them as any other";
    /// A report-only policy that asks for a position.
    REPORT_ONLY_POSITION: Warning, "report-only-position", "Entra asks for the position in the Authenticator app for report-only policies too, and whoever does not give it may be stopped";
    /// Platforms that no policy covers.
    UNKNOWN_PLATFORM: Warning, "unknown-platform", "the platform is what the client says of itself; whoever says something else, or nothing, is outside of every policy for listed platforms";
    /// A persistent browser session for some applications.
    PERSISTENT_BROWSER: Warning, "persistent-browser", "a browser has one session for all applications; Entra offers `persistentBrowser` with all resources only";
    /// An exclusion that takes nobody out.
    POINTLESS_EXCLUSION: Warning, "pointless-exclusion", "an exclusion takes out of those who are included; whoever is not included needs none";
    /// An exclusion of an agent that leaves its user account in.
    AGENT_USER_EXCLUSION: Warning, "agent-user-exclusion", "an agent identity and its user account are two identities, and excluding the one, or its blueprint, does not exempt the other";
    /// A condition about what an identity in scope does not have.
    FOREIGN_CONDITION: Warning, "foreign-condition", "all conditions of a policy must hold, and Entra has no fact of such identities that this one could be judged by";
    /// A policy for workloads that asks where a phone is.
    GPS_LOCATION: Warning, "gps-location", "the position comes from the Authenticator app of a user; no workload has one";
    /// A filter that exempts unregistered devices.
    FILTER_UNREGISTERED: Warning, "filter-unregistered", "an unregistered device has no attributes, so negative operators hold for it, and a filter that excludes then exempts it";
    /// A service principal that no policy covers.
    UNCOVERED_PRINCIPAL: Warning, "uncovered-principal", "policies cover single-tenant applications of this tenant; Entra skips managed identities and all others without a word";
    /// A service principal in a list of users.
    PRINCIPAL_AS_USER: Warning, "principal-as-user", "service principals are in scope through `clientApplications` only, never as users and never through groups";
    /// An object id that the catalogue does not have.
    UNLISTED_PRINCIPAL: Warning, "unlisted-principal", "the object id of an app registration looks like that of its service principal and matches nobody";
    /// Microsoft Graph as a resource.
    GRAPH_RESOURCE: Warning, "graph-resource", "Entra does not judge Microsoft Graph as one resource but the services behind the permissions that are asked for";
    /// A suite of which not every member is known.
    SUITE_MEMBERS: Warning, "suite-members", "Microsoft says by name what is in a suite, and only of some applications by id; an application that is not known to be in it is not covered";
    /// `AllTrusted` when nothing is.
    NO_TRUSTED_LOCATION: Warning, "no-trusted-location", "`AllTrusted` is every location marked `isTrusted`, and the MFA trusted IPs; with none of them it contains no address";
    /// An allow list that lets no IPv6 in.
    IPV4_ONLY: Warning, "ipv4-only", "an address is inside a range of its own family only, so whoever arrives over IPv6 is outside of all these locations";
    /// Blocked countries that let unknown ones through.
    UNKNOWN_COUNTRY: Warning, "unknown-country", "an address that is mapped to no country is in a country location only with `includeUnknownCountriesAndRegions`";
    /// A risk level between or above those that policies name.
    RISK_GAP: Warning, "risk-gap", "risk levels are a set, not a threshold: a level that no policy names meets no risk policy";
    /// Addresses that are never seen.
    PRIVATE_RANGE: Warning, "private-range", "the address of a request is the one that the token service sees; behind address translation that is never a private one";
    /// A range of half the internet.
    WIDE_RANGE: Warning, "wide-range", "Entra takes prefixes longer than /8; a wider one covers a good part of the internet";
    /// Addresses that a trusted and a blocked location share.
    TRUSTED_AND_BLOCKED: Warning, "trusted-and-blocked", "a block counts for whoever it applies to, from a trusted location too unless the policy excludes that; of two lists with the same addresses one is often mistaken";
    /// An attribute that filters cannot read.
    ATTRIBUTE_TYPE: Warning, "attribute-type", "filters compare custom security attributes of type String; of any other type they see null";
    /// More of something than a bundle may hold.
    TOO_MANY: Error, "too-many", "bundles are bounded, so that compiling one always ends";
}

/// A second object of `kind` with the id `id`, at `span`.
pub(super) fn duplicate(kind: &str, id: &str, span: Span, first: Option<Span>) -> Diagnostic {
    let what = format!("a second {kind} with the id `{id}`");
    let diagnostic = Diagnostic::new(&DUPLICATE_ID, span, what).help("take one of them out");
    match first {
        Some(first) => diagnostic.related(first, "the first"),
        None => diagnostic,
    }
}

// The texts above name this number.
const _: () = assert!(crate::limits::ATTRIBUTES_MAX == 512);
