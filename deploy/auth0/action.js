// Conditional access for Auth0: one Action for the trigger `post-login`, one for `credentials-exchange`, both with this
// code (Node 18 or later) and the secret DOORWARD_URL, where doorward answers `POST /v1/decide/batch`; it must be reachable
// from Auth0, so DOORWARD_TOKEN is sent as bearer token. Each scope is asked about, too, after a login each that was
// requested: one that is refused refuses the token. Whether Auth0 grants what was requested is not known there, so claims
// that policies state for a scope alone are left out after a login, and a refusal if one is critical.
//
// A block is `access_denied` after a login and `invalid_request` for a machine, whose codes Auth0 limits. An Action that
// throws or takes too long fails the transaction: no token when doorward is down. A token without an audience is for the
// secret DOORWARD_AUDIENCE; without that it is one for an unknown application, to which policies about any application
// apply. With the secret DOORWARD_COUNTRY=auth0 the country is the one that Auth0 looks up. Set it only if the bundle has no
// country database: two that disagree about an address are refused, and with neither the country is unknown. Claims of
// policies are set on the access token. Auth0 leaves out what it does not take and issues the token: names that it
// restricts, any name without an audience or for `/userinfo`, names that are no URLs for another of its own APIs. Such a
// claim is left out here, and a refusal if it is critical. Nobody here hears of obligations: an allow with any is a
// refusal. Lifetimes are set in Auth0, not here.
// `tests/serve/node.rs` runs this file with events as Auth0 documents them, not in Auth0.

/** Claims that Auth0 restricts. Source: Auth0 documentation, Create Custom Claims, read November 2026. */
const RESTRICTED = new Set([
  'acr', 'act', 'active', 'amr', 'at_hash', 'ath', 'attest', 'aud', 'auth_time', 'authorization_details', 'azp', 'c_hash',
  'client_id', 'cnf', 'cty', 'dest', 'entitlements', 'events', 'exp', 'groups', 'gty', 'htm', 'htu', 'iat',
  'internalService', 'iss', 'jcard', 'jku', 'jti', 'jwe', 'jwk', 'kid', 'may_act', 'mky', 'nbf', 'nonce', 'object_id',
  'org_id', 'org_name', 'orig', 'origid', 'permissions', 'roles', 'rph', 's_hash', 'sid', 'sip_callid', 'sip_cseq_num',
  'sip_date', 'sip_from_tag', 'sip_via_branch', 'sub', 'sub_jwk', 'toe', 'txn', 'typ', 'uuid', 'vot', 'vtm', 'x5t#S256',
]);
/** Namespaces that are Auth0's own: the same page. */
const AUTH0S = /^(https?:\/\/([^/]*\.)?(auth0\.com|webtask\.io|webtask\.run)([:/]|$)|urn:auth0)/i;

/** How many requests to send at once: each has all scopes, of which Auth0's own management API has hundreds. */
const BATCH = 16;

exports.onExecutePostLogin = async (event, api) => {
  const methods = (event.authentication?.methods ?? []).map(({ name }) => name);
  const isDeviceCode = event.transaction?.protocol === 'oauth2-device-code';
  const refusal = await decide(event, api, {
    identity: { type: 'user', id: event.user.user_id, appId: event.client.client_id },
    action: gate(event.transaction?.protocol),
    authenticationFlow: isDeviceCode ? 'deviceCodeFlow' : undefined,
    satisfied: { builtInControls: methods.includes('mfa') ? ['mfa'] : [] },
    attributes: { client_id: event.client.client_id, amr: methods },
  }, event.transaction?.requested_scopes, false);
  if (refusal) api.access.deny(refusal);
};

exports.onExecuteCredentialsExchange = async (event, api) => {
  const refusal = await decide(event, api, {
    identity: { type: 'servicePrincipal', id: event.client.client_id },
    action: 'issue:access_token:client_credentials',
    attributes: { client_id: event.client.client_id },
  }, event.accessToken?.scope, true);
  if (refusal) api.access.deny('invalid_request', refusal);
};

/**
 * What is wrong with a token that is asked for with these scopes; nothing if it is allowed, and it then has its claims, those
 * of its scopes if they are granted.
 */
async function decide(event, api, request, scopes, areGranted) {
  const network = { ipAddress: event.request.ip, country: country(event) };
  // With all scopes each: asked about alone, `openid` would be a request for Microsoft's directory.
  const about = (action) => ({ ...request, action, network, resource: resource(event, scopes) });
  const requests = [request.action, ...(scopes ?? [])].map(about);
  const claims = new Map();
  for (let first = 0; first < requests.length; first += BATCH) {
    const results = await ask(event, requests.slice(first, first + BATCH));
    if (!results) return 'No access decision.';
    for (const [place, { answer }] of results.entries()) {
      const { decision, oauthError, obligations, token } = answer ?? {};
      const isSet = (name) => token.claims?.[name]?.every((value) => claims.get(name)?.includes(value));
      const isTaken = (name) => takes(event, name) && (areGranted || first + place === 0 || isSet(name));
      if (decision !== 'allow') return oauthError?.errorDescription ?? 'No access decision.';
      if (obligations?.length > 0 || !(token?.criticalClaims ?? []).every(isTaken)) return 'Blocked by policy.';
      for (const [name, values] of Object.entries(token?.claims ?? {}).filter(([name]) => isTaken(name))) {
        claims.set(name, [...new Set([...(claims.get(name) ?? []), ...values])].sort());
      }
    }
  }
  for (const [name, values] of claims) api.accessToken.setCustomClaim(name, values);
  return undefined;
}

/** The result of each request; nothing if there are not as many. */
async function ask({ secrets }, requests) {
  const response = await fetch(new URL('/v1/decide/batch', secrets.DOORWARD_URL), {
    method: 'POST',
    headers: { authorization: `Bearer ${secrets.DOORWARD_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ requests }),
    redirect: 'error',
    signal: AbortSignal.timeout(2_000),
  });
  const { results } = response.status === 200 ? await response.json() : {};
  return results?.length === requests.length ? results : undefined;
}

/** Whether the access token gets a claim of this name that is set on it. */
function takes({ resource_server: api, request }, name) {
  const identifier = api?.identifier;
  if (identifier === undefined || RESTRICTED.has(name) || AUTH0S.test(name)) return false;
  const [, host, path] = /^https?:\/\/([^/]+)(.*)$/i.exec(identifier) ?? [];
  const isAuth0s = host !== undefined && (/(^|\.)auth0(app)?\.com$/i.test(host) || host === request.hostname);
  return !isAuth0s || (!/^\/userinfo\/?$/.test(path) && /^https?:\/\//.test(name));
}

function country({ request, secrets }) {
  return secrets.DOORWARD_COUNTRY === 'auth0' ? request.geoip?.countryCode : undefined;
}

function gate(protocol) {
  const grants = {
    'oidc-basic-profile': 'authorization_code',
    'oidc-hybrid-profile': 'authorization_code',
    'oauth2-refresh-token': 'refresh_token',
    'oauth2-device-code': 'device_code',
  };
  return grants[protocol] && `issue:access_token:${grants[protocol]}`;
}

/** Nothing without an audience: scopes alone would say that the token is for Microsoft's directory. */
function resource(event, scopes) {
  const audience = event.resource_server?.identifier ?? event.secrets.DOORWARD_AUDIENCE;
  return audience ? { appIds: [audience], scopes: scopes ?? [], target: { type: 'audience', id: audience } } : undefined;
}
