import java.net.URI;
import java.util.Arrays;
import java.util.List;
import org.keycloak.models.AuthenticatedClientSessionModel;
import org.keycloak.models.KeycloakSession;
import org.keycloak.models.UserModel;
import org.keycloak.models.UserSessionModel;
import org.keycloak.protocol.oidc.grants.ciba.clientpolicy.context.BackchannelTokenResponseContext;
import org.keycloak.protocol.oidc.grants.device.clientpolicy.context.DeviceTokenResponseContext;
import org.keycloak.representations.AccessToken;
import org.keycloak.representations.idm.ClientPolicyExecutorConfigurationRepresentation;
import org.keycloak.services.clientpolicy.ClientPolicyContext;
import org.keycloak.services.clientpolicy.ClientPolicyException;
import org.keycloak.services.clientpolicy.context.ImplicitHybridTokenResponse;
import org.keycloak.services.clientpolicy.context.ResourceOwnerPasswordCredentialsResponseContext;
import org.keycloak.services.clientpolicy.context.ServiceAccountTokenResponseContext;
import org.keycloak.services.clientpolicy.context.TokenRefreshResponseContext;
import org.keycloak.services.clientpolicy.context.TokenResponseContext;
import org.keycloak.services.clientpolicy.executor.ClientPolicyExecutorProvider;

/**
 * Conditional access for Keycloak: an executor of client policies that asks doorward when a token is about to leave.
 *
 * <p>NOT COMPILED AGAINST KEYCLOAK OR RUN IN IT by the tests of doorward: these have stand-ins for its types. Written for the
 * service provider interface of Keycloak 26. Beside it Keycloak wants a {@code ClientPolicyExecutorProviderFactory} that makes
 * it and is named in {@code META-INF/services}; then a client profile with this executor, and a client policy that applies the
 * profile to any client. {@code DOORWARD_URL} is where doorward answers; {@code DOORWARD_TOKEN}, if it is there, is sent as
 * bearer token, which a listener that is not on loopback asks for.
 *
 * <p>Asked about: authorization code, implicit and hybrid, refresh, client credentials, device code, password, CIBA. Token
 * exchange, JWT authorization grants and grants that a later Keycloak adds are refused. Keycloak fires no event for permission
 * tokens (UMA), pre-authorized codes of credential issuance and SAML, and older versions for exchanges and JWT authorization
 * grants: those are NOT asked about, so switch these features off.
 *
 * <p>How the user has signed in is not told, so a policy that asks users for a grant control blocks them all: use it for
 * policies that block. A block is the OAuth error of doorward's answer. When doorward is down no token that is asked about is
 * issued. A token without an audience is one for an unknown application, to which policies about any application apply.
 */
public final class DoorwardExecutor implements ClientPolicyExecutorProvider<ClientPolicyExecutorConfigurationRepresentation> {
    private static final Doorward DOORWARD = new Doorward(URI.create(System.getenv("DOORWARD_URL")));

    private final KeycloakSession session;

    public DoorwardExecutor(KeycloakSession session) {
        this.session = session;
    }

    @Override
    public String getProviderId() {
        return "doorward";
    }

    @Override
    public void executeOnEvent(ClientPolicyContext context) throws ClientPolicyException {
        // By name: not every Keycloak 26 has each of them.
        String event = context.getEvent().name();
        switch (event) {
            case "TOKEN_RESPONSE" -> {
                var response = (TokenResponseContext) context;
                var user = userOf(response.getClientSessionContext().getClientSession());
                decide(user, "authorization_code", response.getAccessTokenResponseBuilder().getAccessToken());
            }
            case "IMPLICIT_HYBRID_TOKEN_RESPONSE" -> {
                var response = (ImplicitHybridTokenResponse) context;
                var user = userOf(response.getClientSessionContext().getClientSession());
                decide(user, "implicit", response.getAccessTokenResponseBuilder().getAccessToken());
            }
            case "TOKEN_REFRESH_RESPONSE" -> {
                var token = ((TokenRefreshResponseContext) context).getAccessTokenResponseBuilder().getAccessToken();
                decide(userOf(token), "refresh_token", token);
            }
            case "SERVICE_ACCOUNT_TOKEN_RESPONSE" -> {
                var response = (ServiceAccountTokenResponseContext) context;
                var user = userOf(response.getClientSession());
                decide(user, "client_credentials", response.getAccessTokenResponseBuilder().getAccessToken());
            }
            case "DEVICE_TOKEN_RESPONSE" -> {
                var response = (DeviceTokenResponseContext) context;
                var user = userOf(response.getClientSession());
                decide(user, "device_code", response.getAccessTokenResponseBuilder().getAccessToken());
            }
            case "RESOURCE_OWNER_PASSWORD_CREDENTIALS_RESPONSE" -> {
                var response = (ResourceOwnerPasswordCredentialsResponseContext) context;
                var user = userOf(response.getClientSessionContext().getClientSession());
                decide(user, "password", response.getAccessTokenResponseBuilder().getAccessToken());
            }
            case "BACKCHANNEL_TOKEN_RESPONSE" -> {
                var response = (BackchannelTokenResponseContext) context;
                var user = userOf(response.getClientSessionContext().getClientSession());
                decide(user, "ciba", response.getAccessTokenResponseBuilder().getAccessToken());
            }
            case "TOKEN_EXCHANGE_REQUEST", "JWT_AUTHORIZATION_GRANT" -> throw undecided();
            // No token leaves.
            case "TOKEN_REVOKE_RESPONSE" -> { }
            default -> {
                // What a later Keycloak issues is refused until it is asked about.
                if (event.endsWith("_RESPONSE") || event.contains("EXCHANGE") || event.contains("GRANT")) {
                    throw undecided();
                }
            }
        }
    }

    private static UserModel userOf(AuthenticatedClientSessionModel clientSession) {
        return clientSession.getUserSession().getUser();
    }

    /** A refresh tells no session. The token's subject is not always the user's id: it may be pairwise, or left out. */
    private UserModel userOf(AccessToken token) throws ClientPolicyException {
        var realm = session.getContext().getRealm();
        UserSessionModel known = session.sessions().getUserSession(realm, token.getSessionId());
        if (known == null) {
            known = session.sessions().getOfflineUserSession(realm, token.getSessionId());
        }
        if (known == null) {
            throw undecided();
        }
        return known.getUser();
    }

    private void decide(UserModel user, String grant, AccessToken token) throws ClientPolicyException {
        String address = session.getContext().getConnection().getRemoteAddr();
        String client = session.getContext().getClient().getClientId();
        // A service account is the client itself, which may refresh its tokens, too.
        boolean isUser = user.getServiceAccountClientLink() == null;
        List<String> audiences = token.getAudience() == null ? List.of() : Arrays.asList(token.getAudience());
        String scope = token.getScope() == null ? "" : token.getScope();
        List<String> scopes = Arrays.stream(scope.split(" ")).filter(name -> !name.isEmpty()).toList();
        var issuance =
                new Doorward.Issuance(isUser, isUser ? user.getId() : client, client, grant, address, audiences, scopes);
        var refusal = DOORWARD.refusal(issuance);
        if (refusal.isPresent()) {
            throw new ClientPolicyException(refusal.get().error(), refusal.get().description());
        }
    }

    private static ClientPolicyException undecided() {
        return new ClientPolicyException("unauthorized_client", "No access decision on this grant.");
    }
}
