// Conditional access for node-oidc-provider (npm `oidc-provider`, version 9): doorward decides on every access token, and on
// each of its scopes: one that is refused refuses the token, and more than fit into one call (99, some 70 of 25 letters) are
// no decision.
//
//     import Provider from 'oidc-provider';
//     import { conditionalAccess } from './doorward.js';
//
//     const doorward = conditionalAccess({ url: 'http://127.0.0.1:8480' });
//     const provider = new Provider(issuer, doorward.configured(configuration));
//     provider.use(doorward.middleware);
//
// A block is the OAuth error of doorward's answer, with `error_codes`, `suberror` and the `claims` challenge. When doorward
// cannot be reached or does not decide there is no token: status 503. Behind a proxy that sets `X-Forwarded-For` set
// `provider.proxy = true`, or the proxy's address is the client's. A refresh token outlives a block; a code is used up.
// A token without an audience is for `defaultAudience`; without that it is one for an unknown application, to which
// policies about any application apply. Claims of policies are added to the access token, critical or not, but for names that
// the provider writes itself: such a claim is left out, and a block if it is critical. Nobody here hears of obligations: an
// allow with any is a block. Lifetimes are those of `configuration.ttl`.
// `tests/serve/node.rs` runs this file.
import { errors } from 'oidc-provider';

/** A decision against the token. */
class BlockedByPolicy extends errors.CustomOIDCProviderError {
  constructor({ error, errorDescription, errorCodes, suberror, claims }) {
    super(error, errorDescription);
    this.parameters = { error_codes: errorCodes, suberror, claims };
  }
}

/** What the client hears when a policy asks for something that nobody here would do. */
const UNFULFILLED = { error: 'invalid_grant', errorDescription: 'Blocked by policy.' };

/** Claims that introspection answers with its own, beside those that no policy states. */
const OWN_CLAIMS = ['active', 'sid', 'token_type'];

/** No decision. */
class Undecided extends errors.OIDCProviderError {
  constructor(cause) {
    super(503, 'temporarily_unavailable', { cause });
  }
}

/**
 * @param url where doorward answers `POST /v1/decide/batch`
 * @param headers of each call, such as `{ authorization: 'Bearer ...' }`
 * @param timeout milliseconds
 * @param defaultAudience what tokens are for that name no audience
 */
export function conditionalAccess({ url, headers = {}, timeout = 2_000, defaultAudience }) {
  const refused = new WeakMap();

  async function ask(requests) {
    try {
      const response = await fetch(new URL('/v1/decide/batch', url), {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify({ requests }),
        redirect: 'error',
        signal: AbortSignal.timeout(timeout),
      });
      const { results, error } = await response.json();
      if (response.status === 200 && results.length === requests.length) return results;
      throw new Error(`doorward answered ${response.status} ${error?.reason}`);
    } catch (error) {
      throw new Undecided(error);
    }
  }

  /** Asks about a token and its scopes. All must be allowed; then these are the claims to add. */
  async function decide(ctx, requests) {
    const claims = {};
    for (const [place, { answer }] of (await ask(requests)).entries()) {
      const { decision, oauthError, obligations, token } = answer ?? {};
      if (decision !== 'allow') {
        if (decision !== 'block' || !oauthError) throw new Undecided(new Error('an answer without a decision'));
        // An action that is no gate reads as the use of a token, and there is none yet.
        const told = place > 0 ? { ...oauthError, error: 'invalid_scope', claims: undefined } : oauthError;
        const error = new BlockedByPolicy(told);
        refused.set(ctx, error.parameters);
        throw error;
      }
      const isKept = !token?.criticalClaims.some((name) => OWN_CLAIMS.includes(name));
      if (obligations?.length > 0 || !isKept) throw new BlockedByPolicy(UNFULFILLED);
      for (const [name, values] of Object.entries(token?.claims ?? {})) {
        if (!OWN_CLAIMS.includes(name)) claims[name] = [...new Set([...(claims[name] ?? []), ...values])].sort();
      }
    }
    return claims;
  }

  return {
    /** `configuration` with the two hooks that ask: before a refresh token is used up, and for each access token. */
    configured(configuration) {
      const { findAccount, extraTokenClaims } = configuration;
      return {
        ...configuration,
        ...(findAccount && {
          async findAccount(ctx, sub, token) {
            if (ctx.oidc?.route === 'token') {
              const resources = [ctx.oidc.params.resource ?? token?.resource ?? []].flat();
              const audience = resources.length > 0 ? resources : defaultAudience;
              await decide(ctx, requestsOf(ctx, sub, audience, scopeOf(ctx.oidc, resources, token?.scope)));
            }
            return findAccount(ctx, sub, token);
          },
        }),
        async extraTokenClaims(ctx, token) {
          const audience = token.resourceServer?.audience ?? token.aud ?? defaultAudience;
          const claims = await decide(ctx, requestsOf(ctx, token.accountId, audience, token.scope));
          const extra = await extraTokenClaims?.(ctx, token);
          return { ...extra, ...claims };
        },
      };
    },

    /** Puts what OAuth has no member of its own for into the error response. */
    async middleware(ctx, next) {
      await next();
      const parameters = refused.get(ctx);
      if (parameters && typeof ctx.body === 'object') ctx.body = { ...ctx.body, ...parameters };
    },
  };
}

/** What the token of this request can have of a scope: a refresh may ask for less, and of other resources it has none. */
function scopeOf({ params, entities: { Grant: grant } }, resources, scope) {
  const asked = (params.scope || scope || '').split(' ');
  if (!grant) return asked.join(' ');
  const granted = resources.map((resource) => grant.getResourceScopeFiltered(resource, asked));
  return [...new Set([grant.getOIDCScopeFiltered(asked), ...granted].join(' ').split(' '))].join(' ');
}

/** What is asked for, in the words of doorward: the token, then each of its scopes. */
function requestsOf(ctx, accountId, audience, scope) {
  const { client, params, entities } = ctx.oidc;
  const source = entities.AuthorizationCode ?? entities.RefreshToken ?? entities.DeviceCode ?? {};
  const grant = (params?.grant_type ?? 'implicit').split(':').pop().replaceAll('-', '_');
  const audiences = [audience ?? []].flat();
  const scopes = (scope ?? '').split(' ').filter(Boolean);
  const about = (action) => ({
    identity: accountId
      ? { type: 'user', id: accountId, appId: client.clientId }
      : { type: 'servicePrincipal', id: client.clientId },
    action,
    resource: {
      appIds: audiences,
      // Scopes alone would say that the token is for Microsoft's directory, not that nobody knows what it is for.
      scopes: audiences.length > 0 ? scopes : [],
      target: audiences.length === 1 ? { type: 'audience', id: audiences[0] } : undefined,
    },
    network: { ipAddress: ctx.ip },
    authenticationFlow: grant === 'device_code' ? 'deviceCodeFlow' : undefined,
    satisfied: { builtInControls: source.amr?.includes('mfa') ? ['mfa'] : [] },
    attributes: { client_id: client.clientId, acr: source.acr, amr: source.amr },
  });
  return [`issue:access_token:${grant}`, ...scopes].map(about);
}
