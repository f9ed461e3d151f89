/** Credentials of a connection, one interface for each way to sign in. */

type Raw = Record<string, any>;

/** Both tokens of OAuth 1, as `nango.getToken` gives them. */
export interface OAuth1Token {
    oAuthToken: string;
    oAuthTokenSecret: string;
}

/** OAuth 1. */
export interface OAuth1Credentials {
    type: 'OAUTH1';
    oauth_token: string;
    oauth_token_secret: string;
    raw: Raw;
}

/** OAuth 2 with a user. */
export interface OAuth2Credentials {
    type: 'OAUTH2';
    access_token: string;
    refresh_token?: string;
    expires_at?: Date | string;
    config_override?: { client_id?: string; client_secret?: string };
    raw: Raw;
}

/** OAuth 2 with the client's own credentials. */
export interface OAuth2ClientCredentials {
    type: 'OAUTH2_CC';
    token: string;
    client_id: string;
    client_secret: string;
    expires_at?: Date | string;
    raw: Raw;
}

/** User name and password. */
export interface BasicCredentials {
    type: 'BASIC';
    username: string;
    password: string;
}

/** A key. */
export interface ApiKeyCredentials {
    type: 'API_KEY';
    apiKey: string;
}

/** An app that is installed at the provider. */
export interface AppCredentials {
    type: 'APP';
    access_token: string;
    expires_at?: Date | string;
    raw: Raw;
}

/** An app with tokens of its own kind. */
export interface CustomCredentials {
    type: 'CUSTOM';
    raw: Raw;
}

/** Token-based authentication, signed as OAuth 1. */
export interface TbaCredentials {
    type: 'TBA';
    token_id: string;
    token_secret: string;
    config_override: { client_id?: string; client_secret?: string };
}

/** A signed token. */
export interface JwtCredentials {
    type: 'JWT';
    token?: string;
    expires_at?: Date | string;
    [field: string]: any;
}

/** A session at Bill. */
export interface BillCredentials {
    type: 'BILL';
    username: string;
    password: string;
    organization_id: string;
    dev_key: string;
    session_id?: string;
    user_id?: string;
    expires_at?: Date | string;
    raw: Raw;
}

/** A token that is bought with other credentials. */
export interface TwoStepCredentials {
    type: 'TWO_STEP';
    token?: string;
    refresh_token?: string;
    expires_at?: Date | string;
    raw: Raw;
    [field: string]: any;
}

/** A token over a signature. */
export interface SignatureCredentials {
    type: 'SIGNATURE';
    username: string;
    password: string;
    token?: string;
    expires_at?: Date | string;
}

/** Keys of Amazon Web Services. */
export interface AwsSigV4Credentials {
    type: 'AWS_SIGV4';
    [field: string]: any;
}

/** None; also what a key without the right to see credentials gets. */
export interface NoCredentials {
    type?: 'NONE';
}

/** What `connection.credentials` may be. */
export type ConnectionCredentials =
    | OAuth1Credentials
    | OAuth2Credentials
    | OAuth2ClientCredentials
    | BasicCredentials
    | ApiKeyCredentials
    | AppCredentials
    | CustomCredentials
    | TbaCredentials
    | JwtCredentials
    | BillCredentials
    | TwoStepCredentials
    | SignatureCredentials
    | AwsSigV4Credentials
    | NoCredentials;
