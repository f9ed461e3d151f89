/**
 * What a function of the Nango dialect may import from `nango`, and what its
 * `exec` gets as `nango`. There is no code behind this file: the bundler takes
 * the `create…` call away and the sandbox hands in the members.
 *
 * Options say `| undefined` throughout, because functions are checked with
 * `exactOptionalPropertyTypes` and often pass on a value that may be missing.
 */
import type * as z from 'zod';
import type { HttpMethod, ProxyConfiguration, ProxyResponse } from './http.d.ts';
import type { ConnectionCredentials, OAuth1Token } from './credentials.d.ts';

export type * from './credentials.d.ts';
export type * from './http.d.ts';

// ---------------------------------------------------------------- schemas

/** Schema of a model: an object whose `id` is text. */
export type ModelSchema = z.ZodObject<{ id: z.ZodString }, z.core.$ZodObjectConfig>;

/** Models of a sync by name. */
export type ModelSchemas = Record<string, ModelSchema>;

/** Schema of a connection's metadata. */
export type MetadataSchema = z.ZodObject | z.ZodVoid;

/** Schema of a checkpoint: flat, nothing optional. */
export type CheckpointSchema = z.ZodObject<Record<string, z.ZodString | z.ZodNumber | z.ZodBoolean>, z.core.$ZodObjectConfig>;

/** What a schema describes; `never` where a definition has none, so that it is not used by accident. */
type Described<Schema> = Schema extends z.ZodType ? z.output<Schema> : never;

/** Names of the declared models. */
type ModelName<Models> = Extract<keyof Models, string>;

/** A record of one of the declared models. */
type AnyRecord<Models> = Extract<{ [Name in keyof Models]: Described<Models[Name]> }[keyof Models], NewRecord>;

/**
 * A record as it is written. Its fields are not compared with the model: the
 * schema describes what readers get, and functions often build records loosely.
 */
export interface NewRecord {
    id: string;
    [field: string]: unknown;
}

/** A record of which only `id` must be known. */
export type RecordChange<T extends NewRecord = NewRecord> = Pick<T, 'id'> & Partial<T>;

type MaybePromise<T> = T | Promise<T>;

// ---------------------------------------------------------------- values

/**
 * Ends a function with an error of its own. Only a type here: throw
 * `new nango.ActionError(payload)`.
 */
export interface ActionError<Payload = Record<string, unknown>> extends Error {
    type: string;
    /** What it was made of; an array or a single value is wrapped later. */
    payload?: Record<string, unknown> | undefined;
    /** Only for the type parameter; never set. */
    readonly payloadType?: Payload;
}

/** The class behind `nango.ActionError`. */
export interface ActionErrorConstructor {
    new <Payload = Record<string, unknown>>(payload?: Payload): ActionError<Payload>;
    readonly prototype: ActionError<any>;
}

/** How much of `nango.log` is kept. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'off';

/** An integration as `nango.getIntegration` gives it. */
export interface Integration {
    unique_key: string;
    provider: string;
    display_name: string;
    logo: string;
    forward_webhooks: boolean;
    created_at: string;
    updated_at: string;
    webhook_url?: string | null;
    credentials?: any;
    credentials_label?: any;
    preconfigured_credentials?: any;
}

/** A connection as `nango.getConnection` gives it; an alias, so that it can be cast to a record. */
export type Connection = {
    id: number;
    connection_id: string;
    provider_config_key: string;
    provider: string;
    errors: { type: string; log_id: string }[];
    end_user: {
        id: string;
        display_name: string | null;
        email: string | null;
        tags: Record<string, string>;
        organization: { id: string; display_name: string | null } | null;
    } | null;
    tags: Record<string, string>;
    /** Null when nobody set any. */
    metadata: Record<string, unknown> | null;
    connection_config: Record<string, any>;
    webhook_url_override: string | null;
    created_at: string;
    updated_at: string;
    last_fetched_at: string;
    credentials: ConnectionCredentials;
};

/** Options of `nango.getConnection`. Each bypasses the cached connection. */
export interface ConnectionOptions {
    forceRefresh?: boolean | undefined;
    refreshToken?: boolean | undefined;
    refreshGithubAppJwtToken?: boolean | undefined;
}

/** A sync by name, or one of its variants. */
export type SyncName = string | { name: string; variant: string };

/** How `nango.triggerSync` starts; `true` means everything anew. */
export type SyncStart = 'incremental' | 'full_refresh' | 'full_refresh_and_clear_cache' | boolean;

/** How `nango.uncontrolledFetch` calls. */
export interface UncontrolledFetchOptions {
    url: URL;
    method?: HttpMethod | undefined;
    headers?: Record<string, string> | undefined;
    body?: string | null | undefined;
}

// ---------------------------------------------------------------- nango

/** `nango` of actions and on-events; syncs have more. */
export interface NangoAction<TMetadata = never, TCheckpoint = never> {
    connectionId: string;
    providerConfigKey: string;
    provider?: string;
    environmentId: number;
    environmentName?: string;
    accountId: number;
    activityLogId: string;
    syncId?: string;
    /** `action`, `sync`, `webhook` or `on-event`. */
    scriptType: string;
    isCLI?: boolean;
    logger: { level: LogLevel };
    runnerFlags: Record<string, unknown>;
    syncConfig?: Record<string, any>;
    /** Throw one to end the function with a payload of its own. */
    ActionError: ActionErrorConstructor;

    /** A call to the provider with the credentials of the connection; rejects on a status outside 2xx. */
    proxy<T = any>(config: ProxyConfiguration): Promise<ProxyResponse<T>>;
    /** `proxy` with the method GET. */
    get<T = any>(config: Omit<ProxyConfiguration, 'method'>): Promise<ProxyResponse<T>>;
    /** `proxy` with the method POST. */
    post<T = any>(config: Omit<ProxyConfiguration, 'method'>): Promise<ProxyResponse<T>>;
    /** `proxy` with the method PUT. */
    put<T = any>(config: Omit<ProxyConfiguration, 'method'>): Promise<ProxyResponse<T>>;
    /** `proxy` with the method PATCH. */
    patch<T = any>(config: Omit<ProxyConfiguration, 'method'>): Promise<ProxyResponse<T>>;
    /** `proxy` with the method DELETE. */
    delete<T = any>(config: Omit<ProxyConfiguration, 'method'>): Promise<ProxyResponse<T>>;
    /** The pages of a list, one array for each. */
    paginate<T = any>(config: ProxyConfiguration): AsyncGenerator<T[], undefined, void>;
    /** A call without credentials, retries or log. */
    uncontrolledFetch(options: UncontrolledFetchOptions): Promise<Response>;

    /** A connection, by default that of this run. */
    getConnection(integrationId?: string, connectionId?: string, options?: ConnectionOptions): Promise<Connection>;
    /** The metadata of the connection. */
    getMetadata<T = Described<TMetadata>>(): Promise<T>;
    /** Replaces the metadata. */
    setMetadata(metadata: Described<TMetadata>): Promise<ProxyResponse>;
    /** Merges into the metadata, at top level. */
    updateMetadata(metadata: Partial<Described<TMetadata>>): Promise<ProxyResponse>;
    /** OAuth 2: the access token; OAuth 1: both tokens; otherwise the credentials. */
    getToken(): Promise<string | OAuth1Token | ConnectionCredentials>;
    /** The integration of this run. */
    getIntegration(query?: { include?: ('webhook' | 'credentials')[] | undefined }): Promise<Integration>;
    /** Where the provider sends webhooks to. */
    getWebhookURL(): Promise<string | null | undefined>;
    /** The variables of the environment. */
    getEnvironmentVariables(): Promise<{ name: string; value: string }[] | null>;

    /** A line for the log; a last argument with `level` says how important it is. */
    log(...args: any[]): Promise<void>;
    /** Which lines are kept from now on. */
    setLogger(options: { level: LogLevel }): void;

    /** Runs another action and returns its output. */
    triggerAction<In = unknown, Out = any>(integrationId: string, connectionId: string, actionName: string, input?: In): Promise<Out>;
    /** Starts a run of a sync. */
    triggerSync(integrationId: string, connectionId: string, sync: SyncName, start?: SyncStart): Promise<void | string>;
    /** Starts the schedules of syncs. */
    startSync(integrationId: string, syncs: SyncName[], connectionId?: string): Promise<void>;

    /** Parses an input; throws an `ActionError` when it does not fit. */
    zodValidateInput<T extends z.ZodType>(options: { zodSchema: T; input: unknown }): Promise<{ success: true; data: z.output<T> }>;

    /** Takes a lock for at most `ttlMs` milliseconds; false when somebody else has it. */
    tryAcquireLock(options: { key: string; ttlMs: number }): Promise<boolean>;
    /** Gives a lock of this run back; false when it had none. */
    releaseLock(options: { key: string }): Promise<boolean>;
    /** Gives every lock of this run back. */
    releaseAllLocks(): Promise<void>;

    /** What the last run saved, or null. */
    getCheckpoint(): Promise<Described<TCheckpoint> | null>;
    /** Saves where this run is. */
    saveCheckpoint(checkpoint: Described<TCheckpoint>): Promise<void>;
    /** Forgets what was saved. */
    clearCheckpoint(): Promise<void>;

    /** @deprecated */
    getFlowAttributes<T = object>(): T | null;
    /** @deprecated use `getMetadata` */
    getFieldMapping(): Promise<Record<string, string>>;
    /** @deprecated use `setMetadata` */
    setFieldMapping(mapping: Record<string, string>): Promise<ProxyResponse<object>>;
}

/** What happens to a record that was changed in the meantime. */
export interface MergingStrategy {
    strategy: 'override' | 'ignore_if_modified_after';
}

/** `nango` of syncs. */
export interface NangoSync<TModels = Record<string, never>, TMetadata = never, TCheckpoint = never> extends NangoAction<TMetadata, TCheckpoint> {
    /** `base` unless a variant runs. */
    variant: string;
    lastSyncDate?: Date;
    track_deletes: boolean;

    /** Inserts or replaces records by `id`. */
    batchSave<T extends NewRecord = NewRecord>(records: T[], model: ModelName<TModels>): Promise<boolean>;
    /** Merges into records that exist; arrays are replaced. */
    batchUpdate<T extends NewRecord = NewRecord>(records: RecordChange<T>[], model: ModelName<TModels>): Promise<boolean>;
    /** Marks records as deleted; only `id` counts. */
    batchDelete<T extends NewRecord = NewRecord>(records: RecordChange<T>[], model: ModelName<TModels>): Promise<boolean>;
    /** @deprecated use `batchSave` */
    batchSend<T extends NewRecord = NewRecord>(records: T[], model: ModelName<TModels>): Promise<boolean>;
    /** From here on the records that are saved are remembered. */
    trackDeletesStart(model: ModelName<TModels>): Promise<void>;
    /** Marks every record as deleted that was not saved since `trackDeletesStart`. */
    trackDeletesEnd(model: ModelName<TModels>): Promise<{ deletedKeys: string[] }>;
    /** @deprecated use `trackDeletesStart` and `trackDeletesEnd` */
    deleteRecordsFromPreviousExecutions(model: ModelName<TModels>): Promise<{ deletedKeys: string[] }>;
    /** Stored records by their ids. */
    getRecordsByIds<Key = string | number, T extends NewRecord = AnyRecord<TModels>>(ids: Key[], model: ModelName<TModels>): Promise<Map<Key, T>>;
    /** Every stored record, one after the other. */
    listRecords<T extends NewRecord = AnyRecord<TModels>>(
        model: ModelName<TModels>,
        options?: { cursor?: string | undefined }
    ): AsyncGenerator<T, undefined, void>;
    /** How records of a model are merged; once for a model and run. */
    setMergingStrategy(merging: MergingStrategy, model: ModelName<TModels>): Promise<void>;
}

// ---------------------------------------------------------------- definitions

/** @deprecated where older clients reached a function */
export interface FunctionEndpoint {
    method: HttpMethod;
    path: string;
    group?: string | undefined;
}

/** What actions, syncs and on-events have in common. */
interface Definition<TMetadata, TCheckpoint> {
    /** What the function does. */
    description: string;
    /** Version of the function; counted up when there is none. */
    version?: string;
    /** Metadata that the function reads from the connection. */
    metadata?: TMetadata;
    /** What the function saves between runs. */
    checkpoint?: TCheckpoint;
}

/** Argument of `createAction`. */
export interface ActionDefinition<
    TInput extends z.ZodType = z.ZodType,
    TOutput extends z.ZodType = z.ZodType,
    TMetadata extends MetadataSchema | undefined = undefined,
    TCheckpoint extends CheckpointSchema | undefined = undefined
> extends Definition<TMetadata, TCheckpoint> {
    /** Schema of the input; `z.void()` for none. */
    input: TInput;
    /** Schema of the output; `z.void()` for none. */
    output: TOutput;
    /** Permissions that the connection needs at the provider. */
    scopes?: string[];
    /** @deprecated */
    endpoint?: FunctionEndpoint;
    exec: (nango: NangoAction<TMetadata, TCheckpoint>, input: z.output<TInput>) => MaybePromise<z.output<TOutput>>;
}

/** Argument of `createSync`. */
export interface SyncDefinition<
    TModels extends ModelSchemas = ModelSchemas,
    TMetadata extends MetadataSchema | undefined = undefined,
    TCheckpoint extends CheckpointSchema | undefined = undefined
> extends Definition<TMetadata, TCheckpoint> {
    /** Schemas of the records, by model name. */
    models: TModels;
    /** How often it runs: `every hour`, `every 5 minutes`; at least 30 s. */
    frequency: string;
    /** Permissions that the connection needs at the provider. */
    scopes?: string[];
    /** Whether it runs by itself; only `true` does. */
    autoStart?: boolean;
    /** Whether a run looks at everything or at changes. */
    syncType?: 'full' | 'incremental';
    /** Whether records that are not seen again count as deleted. */
    trackDeletes?: boolean;
    /** Webhooks that `onWebhook` wants; `*` for all. */
    webhookSubscriptions?: string[];
    /** @deprecated */
    endpoints?: FunctionEndpoint[];
    exec: (nango: NangoSync<TModels, TMetadata, TCheckpoint>) => MaybePromise<void>;
    /** Called for each webhook of the connection. */
    onWebhook?: (nango: NangoSync<TModels, TMetadata, TCheckpoint>, payload: any) => MaybePromise<void>;
}

/** When an on-event function runs. */
export type OnEvent = 'post-connection-creation' | 'pre-connection-deletion' | 'validate-connection';

/** Argument of `createOnEvent`. */
export interface OnEventDefinition<
    TMetadata extends MetadataSchema | undefined = undefined,
    TCheckpoint extends CheckpointSchema | undefined = undefined
> extends Definition<TMetadata, TCheckpoint> {
    event: OnEvent;
    exec: (nango: NangoAction<TMetadata, TCheckpoint>) => MaybePromise<void>;
}

/** A function that is called on demand. */
export declare function createAction<
    TInput extends z.ZodType,
    TOutput extends z.ZodType,
    TMetadata extends MetadataSchema | undefined = undefined,
    TCheckpoint extends CheckpointSchema | undefined = undefined
>(
    definition: ActionDefinition<TInput, TOutput, TMetadata, TCheckpoint>
): ActionDefinition<TInput, TOutput, TMetadata, TCheckpoint> & { type: 'action' };

/** A function that runs on a schedule and writes records. */
export declare function createSync<
    TModels extends ModelSchemas,
    TMetadata extends MetadataSchema | undefined = undefined,
    TCheckpoint extends CheckpointSchema | undefined = undefined
>(definition: SyncDefinition<TModels, TMetadata, TCheckpoint>): SyncDefinition<TModels, TMetadata, TCheckpoint> & { type: 'sync' };

/** A function that runs when something happens to a connection. */
export declare function createOnEvent<
    TMetadata extends MetadataSchema | undefined = undefined,
    TCheckpoint extends CheckpointSchema | undefined = undefined
>(definition: OnEventDefinition<TMetadata, TCheckpoint>): OnEventDefinition<TMetadata, TCheckpoint> & { type: 'onEvent' };
