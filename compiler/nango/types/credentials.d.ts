/** Credentials of a connection, one interface for each way to sign in. */

type Raw = Record<string, any>;

/** Both tokens of OAuth 1, as `nango.getToken` gives them. */
export type OAuth1Token = {
    oAuthToken: string;
    oAuthTokenSecret: string;
};

/** OAuth 1. */
export type OAuth1Credentials = {
    type: 'OAUTH1';
    oauth_token: string;
    oauth_token_secret: string;
    raw: Raw;
};

/** OAuth 2 with a user. */
export type OAuth2Credentials = {
    type: 'OAUTH2';
    access_token: string;
    refresh_token?: string;
    expires_at?: string;
    config_override?: { client_id?: string; client_secret?: string };
    raw: Raw;
};

/** OAuth 2 with the client's own credentials. */
export type OAuth2ClientCredentials = {
    type: 'OAUTH2_CC';
    token: string;
    client_id: string;
    client_secret: string;
    expires_at?: string;
    raw: Raw;
};

/** User name and password. */
export type BasicCredentials = {
    type: 'BASIC';
    username: string;
    password: string;
};

/** A key. */
export type ApiKeyCredentials = {
    type: 'API_KEY';
    apiKey: string;
};

/** An app that is installed at the provider. */
export type AppCredentials = {
    type: 'APP';
    access_token: string;
    expires_at?: string;
    raw: Raw;
};

/** Tokens of a kind that only the provider has. */
export type CustomCredentials = {
    type: 'CUSTOM';
    raw: Raw;
};

/** An app together with the user who installed it. */
export type CustomAppCredentials = {
    type: 'CUSTOM';
    app: AppCredentials;
    user: OAuth2Credentials | null;
    raw: Raw;
};

/** Token-based authentication, signed as OAuth 1. */
export type TbaCredentials = {
    type: 'TBA';
    token_id: string;
    token_secret: string;
    config_override: { client_id?: string; client_secret?: string };
};

/** A signed token. */
export type JwtCredentials = {
    type: 'JWT';
    token?: string;
    expires_at?: string;
    [field: string]: any;
};

/** A session at Bill. */
export type BillCredentials = {
    type: 'BILL';
    username: string;
    password: string;
    organization_id: string;
    dev_key: string;
    session_id?: string;
    user_id?: string;
    expires_at?: string;
    raw: Raw;
};

/** A token that is bought with other credentials. */
export type TwoStepCredentials = {
    type: 'TWO_STEP';
    token?: string;
    refresh_token?: string;
    expires_at?: string;
    raw: Raw;
    [field: string]: any;
};

/** A token over a signature. */
export type SignatureCredentials = {
    type: 'SIGNATURE';
    username: string;
    password: string;
    token?: string;
    expires_at?: string;
};

/** Keys of Amazon Web Services. */
export type AwsSigV4Credentials = {
    type: 'AWS_SIGV4';
    role_arn: string;
    region: string;
    service: string;
    access_key_id: string;
    secret_access_key: string;
    session_token: string;
    expires_at?: string;
    external_id?: string;
    raw: Raw;
};

/** None; also what a key without the right to see credentials gets. */
export type NoCredentials = {
    type?: never;
};

/** What `connection.credentials` may be. */
export type ConnectionCredentials =
    | OAuth1Credentials
    | OAuth2Credentials
    | OAuth2ClientCredentials
    | BasicCredentials
    | ApiKeyCredentials
    | AppCredentials
    | CustomCredentials
    | CustomAppCredentials
    | TbaCredentials
    | JwtCredentials
    | BillCredentials
    | TwoStepCredentials
    | SignatureCredentials
    | AwsSigV4Credentials
    | NoCredentials;
