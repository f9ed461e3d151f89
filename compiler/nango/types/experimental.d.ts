/**
 * `nango/experimental`. Only functions without a trigger can be used so far;
 * the rest is here so that such a source gets a useful answer.
 */
import type * as z from 'zod';
import type { ProxyConfiguration } from './http.d.ts';
import type { CheckpointSchema, MetadataSchema, ModelSchemas, NangoSync, OnEvent } from './index.d.ts';

/** What starts a function. */
export type FunctionTrigger =
    | { kind: 'none' }
    | { kind: 'schedule'; frequency: string; autoStart?: boolean }
    | { kind: 'http'; subscriptions?: string[]; debounce?: Debounce }
    | { kind: 'event'; events: OnEvent[] };

/** How calls that follow each other closely become one. */
export interface Debounce {
    keyBy?: object | object[];
    windowMs: number;
    maxEntities?: number;
    take?: 'latest' | 'first' | 'all';
}

/** What a function needs. */
export interface FunctionRequirements {
    connection?: boolean;
    outbound?: boolean;
    invoke?: boolean;
}

/** How much of a function runs at a time. */
export interface FunctionLimits {
    concurrency?: { perConnection?: number | object };
}

/** What a function stores. */
export interface FunctionData<TModels, TMetadata, TCheckpoint> {
    models?: TModels;
    metadata?: TMetadata;
    checkpoint?: TCheckpoint;
}

/** The call that a function answers. */
export interface FunctionCall<Input> {
    /** `invoke` without a trigger, else the trigger's kind. */
    kind: string;
    input: Input;
    connection?: any;
}

type Always = 'log' | 'setLogger' | 'getEnvironmentVariables';
type WithConnection = 'getConnection' | 'getToken' | 'getIntegration';
type Outbound = 'paginate' | 'uncontrolledFetch';
type Records = 'batchSave' | 'batchUpdate' | 'batchDelete' | 'setMergingStrategy' | 'trackDeletesStart' | 'trackDeletesEnd';
type Checkpoints = 'getCheckpoint' | 'saveCheckpoint' | 'clearCheckpoint';
type MetadataMembers = 'getMetadata' | 'setMetadata' | 'updateMetadata';

/** Calls to the provider: here they give the body of the answer, not the answer. */
export interface Calls {
    proxy<T = any>(config: ProxyConfiguration): Promise<T>;
    get<T = any>(config: Omit<ProxyConfiguration, 'method'>): Promise<T>;
    post<T = any>(config: Omit<ProxyConfiguration, 'method'>): Promise<T>;
    put<T = any>(config: Omit<ProxyConfiguration, 'method'>): Promise<T>;
    patch<T = any>(config: Omit<ProxyConfiguration, 'method'>): Promise<T>;
    delete<T = any>(config: Omit<ProxyConfiguration, 'method'>): Promise<T>;
}

/** `nango` of these functions: members of the others, as far as `data` asks for them. */
export type NangoFunction<TModels, TMetadata, TCheckpoint> = Pick<
    NangoSync<TModels, TMetadata, TCheckpoint>,
    | Always
    | WithConnection
    | Outbound
    | ([keyof TModels] extends [never] ? never : Records)
    | (TCheckpoint extends z.ZodType ? Checkpoints : never)
    | (TMetadata extends z.ZodType ? MetadataMembers : never)
> &
    Calls & { getVariant(): string };

/** Argument of `createFunction`. */
export interface FunctionDefinition<
    TInput extends z.ZodType = z.ZodVoid,
    TOutput extends z.ZodType = z.ZodVoid,
    TModels extends ModelSchemas = Record<never, never>,
    TMetadata extends MetadataSchema | undefined = undefined,
    TCheckpoint extends CheckpointSchema | undefined = undefined
> {
    /** What the function does. */
    description: string;
    input?: TInput;
    output?: TOutput;
    trigger?: FunctionTrigger;
    requires?: FunctionRequirements;
    limits?: FunctionLimits;
    data?: FunctionData<TModels, TMetadata, TCheckpoint>;
    exec: (
        nango: NangoFunction<TModels, TMetadata, TCheckpoint>,
        trigger: FunctionCall<z.output<TInput>>
    ) => z.output<TOutput> | Promise<z.output<TOutput>>;
}

/** A function that says by itself what starts it. */
export declare function createFunction<
    TInput extends z.ZodType = z.ZodVoid,
    TOutput extends z.ZodType = z.ZodVoid,
    TModels extends ModelSchemas = Record<never, never>,
    TMetadata extends MetadataSchema | undefined = undefined,
    TCheckpoint extends CheckpointSchema | undefined = undefined
>(
    definition: FunctionDefinition<TInput, TOutput, TModels, TMetadata, TCheckpoint>
): FunctionDefinition<TInput, TOutput, TModels, TMetadata, TCheckpoint> & { type: 'function' };
