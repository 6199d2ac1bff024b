// A real provider with the shipped module, for `node.rs`. Prints its address when it listens.
import Provider from 'oidc-provider';
import { conditionalAccess } from './doorward.js';

const doorward = conditionalAccess({
  url: process.env.DOORWARD_URL, defaultAudience: process.env.DOORWARD_AUDIENCE,
});
const client = (client_id, grant_types, redirect_uris, response_types) => ({
  client_id, client_secret: 'secret', grant_types, redirect_uris, response_types,
});
const provider = new Provider('http://provider.example', doorward.configured({
  clients: [
    client('workload', ['client_credentials'], [], []),
    client('app', ['authorization_code', 'refresh_token'], ['https://app.example/'], ['code']),
  ],
  features: {
    clientCredentials: { enabled: true }, devInteractions: { enabled: false }, introspection: { enabled: true },
    resourceIndicators: { enabled: true, getResourceServerInfo: () => ({ scope: 'read write' }) },
  },
  rotateRefreshToken: true,
  pkce: { required: () => false },
  scopes: ['openid', 'offline_access'],
  findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
}));
provider.proxy = true;
// Stands in for a person at the login page: a code for `alice`, signed in as the path says, with the scopes that the query
// has of resources.
provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/code/')) return next();
  const app = await provider.Client.find('app');
  const grant = new provider.Grant({ clientId: 'app', accountId: 'alice' });
  grant.addOIDCScope('openid offline_access');
  const resources = Object.entries(ctx.query);
  for (const [resource, scope] of resources) grant.addResourceScope(resource, scope);
  const code = new provider.AuthorizationCode({
    accountId: 'alice', client: app, grantId: await grant.save(),
    scope: ['openid offline_access', ...resources.map(([, scope]) => scope)].join(' '),
    resource: resources.map(([resource]) => resource),
    redirectUri: 'https://app.example/', authTime: Math.floor(Date.now() / 1000), amr: ctx.path.slice('/code/'.length).split(','),
  });
  ctx.body = await code.save();
});
provider.use(doorward.middleware);
const server = provider.listen(0, '127.0.0.1', () => console.log(`127.0.0.1:${server.address().port}`));
