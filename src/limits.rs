//! Every bound of doorward in one file, so that they are reviewed together.
//!
//! A limit is a promise to the operator: work and memory stay within it whatever the input. Relations between
//! limits are asserted at compile time at the end of the file. This module must not know any other.

use std::time::Duration;

/// Largest single file of a bundle, bytes. The largest legal tenant (195 locations of 2,000 ranges) is 8 MB of JSON.
pub const FILE_BYTES_MAX: usize = 64 << 20;
/// Largest country database, bytes. The common ones are 5 to 10 MB.
pub const COUNTRY_DATABASE_BYTES_MAX: usize = 128 << 20;
/// Most networks of a country database that map to a country. The common ones have half a million.
pub const COUNTRY_NETWORKS_MAX: usize = 4_000_000;
/// Largest bundle, all files together, bytes, after decompression.
pub const BUNDLE_BYTES_MAX: usize = 256 << 20;
/// Most files in a bundle.
pub const BUNDLE_FILES_MAX: usize = 20_000;
/// Deepest folder below the bundle's root.
pub const BUNDLE_FOLDERS_DEEP_MAX: usize = 16;
/// What an archive may hold beyond the files' own bytes: headers, padding and long names.
pub const ARCHIVE_OVERHEAD_BYTES_MAX: usize = 64 << 20;
/// Most symbolic links followed from the configured path to the bundle's root, as Linux itself allows.
pub const LINK_HOPS_MAX: usize = 40;
/// How often a bundle that changes while it is read is read before that is an error.
pub const READ_ATTEMPTS_MAX: u32 = 4;
/// Pause between two such attempts.
pub const READ_PAUSE: Duration = Duration::from_millis(10);
/// A file that changed less than this before it was read may have changed again without a trace in its times.
pub const STAMP_CERTAIN_AFTER: Duration = Duration::from_secs(2);

/// Deepest nesting of lists and objects in a document. Graph's own documents nest seven deep.
pub const DOCUMENT_DEPTH_MAX: usize = 48;
/// Most values (scalars, lists, objects) in one document that is read with spans.
pub const DOCUMENT_NODES_MAX: usize = 8_000_000;
/// Most values that YAML aliases may add to a document by repetition.
pub const ALIAS_NODES_MAX: usize = 100_000;
/// Most bytes of text that YAML aliases may add to a document by repetition.
pub const ALIAS_BYTES_MAX: usize = 16 << 20;
/// Most diagnostics kept for one bundle; further ones are counted.
pub const DIAGNOSTICS_MAX: usize = 1_000;
/// Longest excerpt of a source line in a diagnostic, characters.
pub const EXCERPT_CHARS_MAX: usize = 160;
/// Longest message of a diagnostic, characters; it may quote the author at any length.
pub const MESSAGE_CHARS_MAX: usize = 1_000;
/// Longest word that near misses are looked for, characters. Nobody mistypes a longer one by a letter or two.
pub const SUGGESTION_CHARS_MAX: usize = 256;

/// Widest indentation of a YAML file that is laid out, columns: pretty_yaml 0.6 keeps 64 apart.
pub const LAYOUT_INDENT_MAX: usize = 60;
/// Largest YAML file that is laid out, bytes: the layout takes a hundred times as much memory. Nobody lays out a larger one
/// by hand, and what a tool writes as JSON is not bound by this.
pub const LAYOUT_BYTES_MAX: usize = 8 << 20;
/// How often a bundle is checked again after fixes, which may bring to light what others hid.
pub const FIX_ROUNDS_MAX: usize = 100;
/// Most lines of a difference that `fmt --check` shows of one file.
pub const LAYOUT_LINES_SHOWN_MAX: usize = 40;

/// Most unknown names of one bundle that get a `did you mean`: each is held against all known names.
pub const NEAR_MISSES_MAX: usize = 100;

/// Most policies in a bundle. Entra allows 240.
pub const POLICIES_MAX: usize = 200_000;
/// Most named locations in a bundle. Entra allows 195.
pub const LOCATIONS_MAX: usize = 1_022;
/// Most address ranges in a bundle. Entra allows 195 x 2,000.
pub const RANGES_MAX: usize = 4_000_000;
/// Most entries of each list in `bundle.yaml` that everything else is held against: `breakGlass`, `ignoredPolicies`,
/// `ignoredFiles`, each of `suites`, `placeholders` and each of those.
pub const SETTING_ENTRIES_MAX: usize = 1_000;
/// Most bytes that the placeholders of a bundle come to, each as often as it stands. A published set has some hundred ids.
pub const PLACEHOLDER_BYTES_MAX: usize = 8 << 20;
/// Most ranges of `mfaTrustedIps`: as many as Entra stores in one named location.
pub const MFA_TRUSTED_IPS_MAX: usize = ENTRA_RANGES_MAX;
/// Most policies of one tenant (Entra documentation, service limits, read August 2026).
pub const ENTRA_POLICIES_MAX: usize = 240;
/// Most named locations of one tenant (Entra documentation, network assignment, read August 2026).
pub const ENTRA_LOCATIONS_MAX: usize = 195;
/// Most address ranges of one named location (as above).
pub const ENTRA_RANGES_MAX: usize = 2_000;
/// Longest list of ranges whose private ones are told: what Entra stores in one location. A longer one is generated,
/// and nobody takes single ranges out of it.
pub const LINTED_RANGES_MAX: usize = 2_000;
/// Most service principals in a catalogue.
pub const CATALOGUE_MAX: usize = 2_000_000;
/// Most subjects, and likewise resources and actions, in the catalogue of entities.
pub const ENTITIES_MAX: usize = 100_000;
/// Most properties of one entity.
pub const ENTITY_PROPERTIES_MAX: usize = 64;
/// Most members of one object that nothing reads, and that are kept as they are. Graph's service principals have forty.
pub const UNREAD_MEMBERS_MAX: usize = 1_000;
/// Most evaluations of a filter while a bundle is compiled: filtered policies times different sets of attributes.
pub const CATALOGUE_EVALUATIONS_MAX: usize = 1 << 25;
/// Most bytes of the lists of policies that principals get by name or by filter.
pub const CATALOGUE_BYTES_MAX: usize = 512 << 20;
/// Most locations of all places together: a place is a set of locations that some addresses are in.
pub const PLACE_LOCATIONS_MAX: usize = 64 << 20;
/// Longest filter rule, characters. Entra's own limit (Entra documentation, filter for devices, read August 2026).
pub const FILTER_CHARS_MAX: usize = 3_072;
/// Deepest nesting of parentheses and `-not` in a filter rule.
pub const FILTER_DEPTH_MAX: usize = 64;

/// Longest condition or policy in Cedar, bytes. A policy with a thousand GUIDs is 40 KiB.
pub const CEDAR_BYTES_MAX: usize = 64 << 10;
/// Longest text of all conditions and policies in Cedar of a bundle, bytes: more than a thousand of usual length.
/// Checking one takes a fraction of a millisecond, and asking one some microseconds, so that a bundle at the bound is
/// still loaded in a second and decides in milliseconds.
pub const CEDAR_BYTES_ALL_MAX: usize = 256 << 10;
/// Deepest nesting of brackets in Cedar.
pub const CEDAR_DEPTH_MAX: usize = 32;
/// Most operators in one condition in Cedar: operators of one kind in a row nest as brackets do.
pub const CEDAR_OPERATORS_MAX: usize = 400;

/// Stack for checking a condition in Cedar, bytes; a test takes the deepest one without optimization.
pub const CEDAR_STACK_BYTES: usize = 16 << 20;

/// Most requests that the tests of a bundle may ask for, matrices multiplied out: they run before every reload.
pub const CASES_MAX: usize = 100_000;
/// Most bytes that the requests of a bundle's tests may come to: all they are made of, once for every request.
pub const CASES_BYTES_MAX: usize = 512 << 20;
/// Most tags of one case.
pub const CASE_TAGS_MAX: usize = 32;
/// Most paths of one matrix; seventeen with two values each are more than `CASES_MAX`.
pub const MATRIX_PATHS_MAX: usize = 64;
/// Longest value of a matrix in the name of a case, characters.
pub const MATRIX_LABEL_CHARS_MAX: usize = 40;
/// Most failing test cases that are explained policy by policy; further ones only name what differs.
pub const CASES_EXPLAINED_MAX: usize = 100;
/// Most uncovered parts of a bundle, and most surviving mutants, for which a case is looked for.
pub const CASES_PROPOSED_MAX: usize = 200;
/// Most changes of a bundle that its tests are held against. A tenant at Entra's bounds without long lists of ranges has
/// fewer.
pub const MUTANTS_MAX: usize = 2_000;
/// Most identities, and likewise networks and resources, that such a case is looked for among.
pub const SUPPOSED_MAX: usize = 256;
/// Most requests of existing cases from which the search for another one starts.
pub const SUPPOSED_STARTS_MAX: usize = 64;

/// Most statements of a bundle.
pub const STATEMENTS_MAX: usize = 256;
/// Most steps that the proofs of all statements of a bundle take together: some seconds. They run before every reload.
pub const PROOF_STEPS_MAX: usize = 1_000_000;
/// Most steps of an analysis of whole bundles for one kind of identity, some seconds; a step splits a set of requests in
/// two. A set of very many kinds of addresses takes several steps at once.
pub const ANALYSIS_STEPS_MAX: usize = 500_000;
/// Most steps to see whether one policy is idle: for 240 policies some seconds.
pub const IDLE_STEPS_MAX: usize = 100_000;
/// Most regions that an analysis keeps for one kind of identity.
pub const ANALYSIS_REGIONS_MAX: usize = 1_000;
/// Most atoms of one axis of an analysis: some dozen megabytes. Two sides of 240 policies look at them in some seconds.
pub const ANALYSIS_ATOMS_MAX: usize = 200_000;
/// Most sets of authentication methods that an analysis tries to tell two strengths of one id apart; of Entra's own
/// combinations there are some dozens.
pub const ANALYSIS_METHODS_MAX: usize = 4_096;
/// Most examples of objects that an analysis makes of the values that filters compare with.
pub const ANALYSIS_EXAMPLES_MAX: usize = 4_096;
/// Most facts that are tried for the smallest change of a request that turns its decision around.
pub const FLIP_FACTS_MAX: usize = 2_000;
/// Most requests that are decided for it: a fraction of a second, and every two of two hundred facts.
pub const FLIP_TRIALS_MAX: usize = 20_000;
/// Longest line of a decision log that is replayed, bytes: the largest request with every byte escaped, and its answer.
pub const REPLAY_LINE_BYTES_MAX: usize = 4 << 20;
/// Most identities, policies or locations that changed decisions are counted for; those of others are counted together.
pub const REPLAY_GROUPS_MAX: usize = 100_000;
/// Most unreadable lines of a decision log that are named; further ones are counted.
pub const REPLAY_UNREADABLE_MAX: usize = 100;

/// Largest request message, bytes, on any door.
pub const REQUEST_BYTES_MAX: usize = 256 << 10;
/// Deepest nesting of a request document.
pub const REQUEST_DEPTH_MAX: usize = 32;
/// Most requests in one batch.
pub const BATCH_MAX: usize = 100;
/// Most bytes that the defaults of a batch come to, once for each of its items.
pub const BATCH_DEFAULTS_BYTES_MAX: usize = 1 << 20;
/// Longest request id, bytes.
pub const REQUEST_ID_BYTES_MAX: usize = 256;
/// Longest action of a request, bytes.
pub const ACTION_BYTES_MAX: usize = 256;
/// Longest kind of a target, bytes.
pub const TARGET_TYPE_BYTES_MAX: usize = 256;
/// Longest id of a target, bytes: room for a path.
pub const TARGET_ID_BYTES_MAX: usize = 2_048;
/// Most entries of a forwarded header.
pub const FORWARDED_ENTRIES_MAX: usize = 64;
/// Longest forwarded header, all its lines together, bytes.
pub const FORWARDED_BYTES_MAX: usize = 4 << 10;
/// Most requests that one call of a token hook comes to: one for each audience, and for each audience and scope.
pub const HOOK_REQUESTS_MAX: usize = BATCH_MAX;
/// Longest name of a gate, bytes.
pub const GATE_BYTES_MAX: usize = 50;
/// Longest part of the name of a gate, such as a grant type, bytes.
pub const GATE_SEGMENT_BYTES_MAX: usize = 31;
/// The shortest life that a hook can give a token of Okta, seconds.
pub const OKTA_LIFETIME_SECONDS_MIN: u32 = 300;
/// How old a signed call of a token hook may be, and how much younger than the clock here.
pub const HOOK_SIGNATURE_AGE_MAX: Duration = Duration::from_secs(300);
/// Most signatures of one call that are looked at: a key that is replaced, and the next one.
pub const HOOK_SIGNATURES_MAX: usize = 4;
/// Most decisions that are made to tell which scopes are left of a token: its gates, times the actions of the catalogue.
/// WHY so few: they are made where other calls wait for theirs; 256 are about two batches.
pub const GRANTED_SCOPES_TRIED_MAX: usize = 256;
/// Most bytes of gates that these decisions are made with, once for each of them.
pub const GRANTED_SCOPES_BYTES_MAX: usize = BATCH_DEFAULTS_BYTES_MAX;
/// Most groups of one request: Entra considers 4,096 memberships.
pub const GROUPS_MAX: usize = 4_096;
/// Longest life of a token that a policy can ask for, seconds: a year.
pub const TOKEN_LIFETIME_SECONDS_MAX: u32 = 365 * 24 * 3_600;
/// Most claims that one policy adds to a token.
pub const TOKEN_CLAIMS_MAX: usize = 32;
/// Longest name of a claim that a policy adds, bytes.
pub const CLAIM_NAME_BYTES_MAX: usize = 128;
/// Most values that one policy adds to a claim.
pub const CLAIM_VALUES_MAX: usize = 64;
/// Longest value of a claim that a policy adds, bytes.
pub const CLAIM_VALUE_BYTES_MAX: usize = 1_024;
/// Most bytes of claims of all policies of a bundle, names and values: all of them can be in one token.
pub const CLAIM_BYTES_ALL_MAX: usize = TOKEN_BYTES_MAX / 2;
/// Most obligations of one policy.
pub const OBLIGATIONS_MAX: usize = 16;
/// Longest properties of an obligation, bytes of JSON.
pub const OBLIGATION_BYTES_MAX: usize = 4 << 10;
/// Deepest nesting of the properties of an obligation.
pub const OBLIGATION_DEPTH_MAX: usize = 8;
/// Most bytes of obligations of all policies of a bundle, ids and types too: all of them can be in one answer.
pub const OBLIGATION_BYTES_ALL_MAX: usize = 64 << 10;
/// Most resources of one request.
pub const RESOURCES_MAX: usize = 64;
/// Most scopes of one request.
pub const SCOPES_MAX: usize = 256;
/// Most authentication strengths in a bundle. Entra allows 15 custom ones.
pub const STRENGTHS_MAX: usize = 1_000;
/// Most custom security attributes of one object, in a request or in the catalogue.
pub const ATTRIBUTES_MAX: usize = 512;
/// Longest name of a member of an object that is made an attribute, `act.act.sub`, bytes.
pub const ATTRIBUTE_PATH_BYTES_MAX: usize = 128;
/// Most requests in flight on one core.
pub const IN_FLIGHT_PER_CORE_MAX: usize = 1_024;
/// Most streams open on one core. A stream decides one message at a time and mostly waits, so it takes no place of a
/// request.
pub const STREAMS_PER_CORE_MAX: usize = 1_024;
/// Most policies that one message may have explained, over all its requests: an explained policy is about two kilobytes.
pub const EXPLAINED_POLICIES_MAX: usize = 10_000;
/// Text of policies or locations in Graph's shape that is compressed as one, bytes; one object may be larger.
pub const GRAPH_BLOCK_BYTES: usize = 64 << 10;
/// Most policies or locations of one page in Graph's shape.
pub const GRAPH_PAGE_MAX: usize = 1_000;
/// Text after which a page in Graph's shape ends, bytes; one object may be larger.
pub const GRAPH_PAGE_BYTES: usize = 4 << 20;
/// Most requests in Graph's shape that one core works on: an answer may have megabytes.
pub const GRAPH_IN_FLIGHT_MAX: usize = 4;
/// Most results of one page of a search.
pub const SEARCH_PAGE_MAX: usize = 1_000;
/// Most entities that one search tries before its page ends, full or not: a fraction of a
/// second with usual conditions.
pub const SEARCH_TRIED_MAX: usize = 5_000;
/// Most bytes of questions that one search decides before its page ends: a large question is tried with fewer entities.
pub const SEARCH_BYTES_MAX: usize = 4 << 20;
/// Most searches that one core works on.
pub const SEARCH_IN_FLIGHT_MAX: usize = 4;
/// Longest token of a page of a search, bytes; those that are given out are shorter.
pub const SEARCH_TOKEN_BYTES_MAX: usize = 128;
/// Most connections open on one core, over TCP and over the Unix socket each.
pub const CONNECTIONS_PER_CORE_MAX: usize = 4_096;
/// Longest time for one request from its first byte to its answer, and for a TLS handshake.
pub const REQUEST_TIME_MAX: Duration = Duration::from_secs(5);
/// Decision records that wait for the log's writer before further ones are dropped and counted.
pub const LOG_QUEUE_MAX: usize = 16_384;

/// Most bytes of decision records that wait for the log's writer.
pub const LOG_QUEUE_BYTES_MAX: usize = 64 << 20;
/// Longest time that a connection may stay without a complete request head, and that it may stay open unused.
pub const IDLE_TIME_MAX: Duration = Duration::from_secs(60);
/// Longest time that connections get to finish what they have begun when the process stops, or their certificate ends.
pub const DRAIN_TIME_MAX: Duration = Duration::from_secs(10);
/// Most connections open on the operators' listener.
pub const OPERATOR_CONNECTIONS_MAX: usize = 64;
/// Most clients that watch health on one core at once. Clients of gRPC that do so take one that is refused for unwell.
pub const HEALTH_WATCHES_MAX: usize = 1_024;
/// Most calls of health whose message is on its way to one core.
pub const HEALTH_CALLS_MAX: usize = 256;
/// Most calls of reflection open on one core: people make them, one at a time.
pub const REFLECTIONS_MAX: usize = 64;
/// Largest head of a request, bytes.
pub const REQUEST_HEAD_BYTES_MAX: usize = 16 << 10;
/// Most requests in flight on one HTTP/2 connection.
pub const STREAMS_PER_CONNECTION_MAX: u32 = 256;
/// Most report-only policies that get a metric of their own.
pub const REPORT_ONLY_SERIES_MAX: usize = 256;

/// Longest token, bytes.
pub const TOKEN_BYTES_MAX: usize = 16 << 10;
/// Most that the clocks of an issuer and of this machine may be apart.
pub const TOKEN_LEEWAY_MAX: Duration = Duration::from_secs(300);
/// Largest key set of an issuer, bytes. The large ones have 20 KiB.
pub const KEY_SET_BYTES_MAX: usize = 512 << 10;
/// Most keys of an issuer; further ones are left out.
pub const KEY_SET_KEYS_MAX: usize = 256;
/// Longest time for one fetch of a key set, from looking up the name to its last byte.
pub const KEY_SET_TIME_MAX: Duration = Duration::from_secs(5);
/// How often a key set is fetched although nothing is missing.
pub const KEY_SET_REFRESH: Duration = Duration::from_secs(600);
/// Least time between two fetches of a key set because of tokens that name a key it lacks.
pub const KEY_SET_PAUSE: Duration = Duration::from_secs(10);
/// Time from a fetch that failed to the next one; it doubles with each that fails.
pub const KEY_SET_RETRY: Duration = Duration::from_secs(1);
/// Most of that time.
pub const KEY_SET_RETRY_MAX: Duration = Duration::from_secs(300);
/// How long keys are used that cannot be fetched again: they may have been withdrawn.
pub const KEY_SET_AGE_MAX: Duration = Duration::from_secs(24 * 3600);
/// Longest time that a request waits for a key set to be fetched.
pub const KEY_SET_WAIT_MAX: Duration = Duration::from_millis(500);
/// The same, behind a gateway, for a further key of an issuer: clients can make up the name of one, and Envoy takes an answer
/// that comes after 200 ms for trouble, in which it may have been told to let everything pass.
pub const KEY_SET_WAIT_MORE_MAX: Duration = Duration::from_millis(100);
/// Most requests that wait for the key set of one issuer.
pub const KEY_SET_WAITING_MAX: usize = 256;
/// Longest time that a connection goes on with a token of its caller without looking at the keys again.
pub const CALLER_TOKEN_KEPT_MAX: Duration = Duration::from_secs(60);
/// Largest file of certificates or of a key, bytes.
pub const CERTIFICATE_BYTES_MAX: usize = 1 << 20;
/// How often the files of certificates are looked at.
pub const CERTIFICATE_LOOK: Duration = Duration::from_secs(10);
/// Longest name of a caller in a record, bytes.
pub const CALLER_NAME_BYTES_MAX: usize = 256;

/// Files must be quiet for this long before a bundle is activated.
pub const RELOAD_SETTLE: Duration = Duration::from_millis(50);
/// Files must hold still for this long before a bundle is activated that lacks files of the one in force.
pub const RELOAD_SETTLE_LACKING: Duration = Duration::from_secs(1);
/// File events that never settle: files are read after this long all the same, as a swapped link is complete at once.
pub const RELOAD_PEEK: Duration = Duration::from_millis(300);
/// Files that do not hold still for this long are reported; they are not activated.
pub const RELOAD_SETTLE_MAX: Duration = Duration::from_secs(10);
/// How often a bundle is looked at although no event came, because events get lost.
pub const RELOAD_POLL: Duration = Duration::from_secs(10);
/// How long before it expires a bundle in force is told of at most; of one that lives shortly in the last tenth.
pub const EXPIRY_NOTICE_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long a load gives way to requests: where they leave it nothing it is made at normal priority after this. Usual
/// loads take some hundred milliseconds at idle priority.
pub const RELOAD_PATIENCE: Duration = Duration::from_secs(10);
/// How often the loader looks whether the last request has let go of a replaced snapshot.
pub const RELOAD_REAP: Duration = Duration::from_millis(100);
/// How often a process tries to lock the file of the highest sequence before it puts the bundle in force without.
pub const SEQUENCE_LOCK_ATTEMPTS_MAX: u32 = 100;
/// Pause between two such attempts: others hold the lock for one small write.
pub const SEQUENCE_LOCK_PAUSE: Duration = Duration::from_millis(10);

const _: () = assert!(FILE_BYTES_MAX <= BUNDLE_BYTES_MAX);
const _: () = assert!(COUNTRY_DATABASE_BYTES_MAX <= BUNDLE_BYTES_MAX);
const _: () = assert!(BUNDLE_FILES_MAX * 1024 <= ARCHIVE_OVERHEAD_BYTES_MAX, "a header and padding for every file");
const _: () = assert!(FILE_BYTES_MAX < u32::MAX as usize, "spans are 32-bit offsets");
const _: () = assert!(REQUEST_BYTES_MAX < FILE_BYTES_MAX);
const _: () = assert!(CEDAR_BYTES_MAX < CEDAR_BYTES_ALL_MAX);
const _: () = assert!(ATTRIBUTES_MAX < u16::MAX as usize, "attributes are numbered in 16 bits");
const _: () = assert!(REQUEST_DEPTH_MAX <= DOCUMENT_DEPTH_MAX);
const _: () = assert!(OBLIGATION_DEPTH_MAX < REQUEST_DEPTH_MAX, "obligations can be read as messages are");
const _: () = assert!(OBLIGATION_BYTES_MAX <= OBLIGATION_BYTES_ALL_MAX);
const _: () = assert!(CLAIM_NAME_BYTES_MAX == 128, "a message names this number");
const _: () = assert!(RELOAD_SETTLE.as_millis() < RELOAD_PEEK.as_millis());
const _: () = assert!(RELOAD_PEEK.as_millis() < RELOAD_SETTLE_LACKING.as_millis());
const _: () = assert!(RELOAD_SETTLE_LACKING.as_millis() < RELOAD_SETTLE_MAX.as_millis());
const _: () = assert!(RELOAD_SETTLE_MAX.as_millis() <= RELOAD_POLL.as_millis());
const _: () = assert!(REQUEST_TIME_MAX.as_millis() < IDLE_TIME_MAX.as_millis());
const _: () = assert!(REQUEST_TIME_MAX.as_millis() < DRAIN_TIME_MAX.as_millis(), "what is begun can end");
const _: () = assert!(KEY_SET_WAIT_MAX.as_millis() < REQUEST_TIME_MAX.as_millis());
const _: () = assert!(KEY_SET_WAIT_MORE_MAX.as_millis() < KEY_SET_WAIT_MAX.as_millis());
const _: () = assert!(KEY_SET_TIME_MAX.as_millis() < KEY_SET_PAUSE.as_millis(), "a fetch ends before the next is due");
const _: () = assert!(KEY_SET_RETRY.as_millis() < KEY_SET_PAUSE.as_millis());
const _: () = assert!(KEY_SET_RETRY_MAX.as_millis() < KEY_SET_REFRESH.as_millis());
const _: () = assert!(KEY_SET_REFRESH.as_millis() < KEY_SET_AGE_MAX.as_millis());
const _: () = assert!(GRAPH_BLOCK_BYTES <= GRAPH_PAGE_BYTES);
const _: () = assert!(FLIP_FACTS_MAX < FLIP_TRIALS_MAX, "every fact alone is tried");
const _: () = assert!(REQUEST_BYTES_MAX * 6 < REPLAY_LINE_BYTES_MAX, "six bytes escape one");
const _: () = assert!(REQUEST_BYTES_MAX < LOG_QUEUE_BYTES_MAX);
const _: () =
    assert!((LOCATIONS_MAX + 2).is_multiple_of(64), "sets of locations, with two pseudo-locations, are whole words");
const _: () = assert!(IDLE_STEPS_MAX < ANALYSIS_STEPS_MAX, "there are many policies");
