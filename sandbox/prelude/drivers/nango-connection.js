// The connection, its metadata and credentials, the integration and the
// environment. Connections are kept for 60 s, integrations for 10 min.
const S = globalThis.__strata;
const N = (S.nango ??= {});
const CONNECTION_MS = 60_000;
const INTEGRATION_MS = 600_000;

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

// Answers by key, for `life` milliseconds.
const memory = (life) => {
  const kept = new Map();
  return {
    get(key) {
      const entry = kept.get(key);
      return entry !== undefined && S.now() - entry.at < life ? entry.value : undefined;
    },
    set(key, value) {
      kept.set(key, { value, at: S.now() });
      return value;
    },
    delete: (key) => kept.delete(key),
  };
};

N.connection = ({ context }) => {
  const connections = memory(CONNECTION_MS);
  const integrations = memory(INTEGRATION_MS);
  const pair = (integrationId, connectionId) => JSON.stringify([integrationId ?? context.providerConfigKey, connectionId ?? context.connectionId]);

  const getConnection = async (integrationId, connectionId, options = {}) => {
    const { forceRefresh, refreshToken, refreshGithubAppJwtToken } = options ?? {};
    const special = Boolean(forceRefresh || refreshToken || refreshGithubAppJwtToken);
    const key = pair(integrationId, connectionId);
    if (special) connections.delete(key);
    const known = connections.get(key);
    if (known !== undefined) return known;
    const connection = await N.ask("nango.connection", { integrationId, connectionId, forceRefresh, refreshToken, refreshGithubAppJwtToken });
    if (connection.error) throw N.apiError(connection.error);
    return special ? connection : connections.set(key, connection);
  };

  const getMetadata = async () => (await getConnection()).metadata;

  const changeMetadata = async (mode, metadata) => {
    if (!isObject(metadata)) throw new TypeError("Metadata must be an object");
    const answer = await N.ask("nango.metadata", { mode, metadata });
    connections.delete(pair());
    if (answer?.error) throw N.apiError(answer.error);
  };
  const updateMetadata = (metadata) => changeMetadata("update", metadata);

  const getIntegration = async ({ include } = {}) => {
    const key = JSON.stringify([...(include ?? [])].sort());
    const known = integrations.get(key);
    if (known !== undefined) return known;
    const integration = await N.ask("nango.integration", { include });
    if (integration.error) throw N.apiError(integration.error);
    return integrations.set(key, integration);
  };

  const getToken = async () => {
    const { credentials } = await getConnection();
    if (credentials?.type === "OAUTH2") return credentials.access_token;
    if (credentials?.type === "OAUTH1") return { oAuthToken: credentials.oauth_token, oAuthTokenSecret: credentials.oauth_token_secret };
    return credentials;
  };

  return {
    getConnection,
    getMetadata,
    setMetadata: (metadata) => changeMetadata("set", metadata),
    updateMetadata,
    getIntegration,
    getToken,
    getWebhookURL: async () => (await N.ask("nango.webhook-url"))?.url,
    getEnvironmentVariables: async () => (await N.ask("nango.environment")).variables ?? null,
    // Kept for old functions.
    getFlowAttributes: () => ({}),
    getFieldMapping: async () => (await getMetadata())?.fieldMapping ?? {},
    setFieldMapping: (fieldMapping) => updateMetadata({ fieldMapping }),
  };
};
