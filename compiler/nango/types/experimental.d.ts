/**
 * `nango/experimental`. The shape is known in part only, so what nobody can
 * deploy yet (`data`, `limits`, triggers other than `none`) is typed loosely.
 */
import type * as z from 'zod';
import type { CheckpointSchema, MetadataSchema, ModelSchemas, NangoSync } from './index.d.ts';

/** What starts a function. */
export type FunctionTrigger =
    | { kind: 'none' }
    | { kind: 'schedule'; frequency: string; autoStart?: boolean | undefined }
    | {
          kind: 'http';
          subscriptions?: string[] | undefined;
          debounce?: {
              keyBy?: string | undefined;
              windowMs: number;
              maxEntities?: number | undefined;
              take?: 'latest' | 'first' | 'all' | undefined;
          };
      }
    | { kind: 'event'; events: string[] };

/** What a function needs. */
export interface FunctionRequirements {
    connection?: boolean | undefined;
    outbound?: unknown;
    invoke?: unknown;
}

/** What a function stores. */
export interface FunctionData<TModels, TMetadata, TCheckpoint> {
    models?: TModels;
    metadata?: TMetadata;
    checkpoint?: TCheckpoint;
}

/** The call that a function answers. */
export interface FunctionCall<Input> {
    kind: FunctionTrigger['kind'];
    input: Input;
    [field: string]: any;
}

/** Argument of `createFunction`. */
export interface FunctionDefinition<
    TInput extends z.ZodType = z.ZodType<unknown>,
    TOutput extends z.ZodType = z.ZodType<any>,
    TModels extends ModelSchemas = ModelSchemas,
    TMetadata extends MetadataSchema | undefined = undefined,
    TCheckpoint extends CheckpointSchema | undefined = undefined
> {
    /** What the function does. */
    description: string;
    input?: TInput;
    output?: TOutput;
    trigger?: FunctionTrigger;
    requires?: FunctionRequirements;
    limits?: Record<string, unknown>;
    data?: FunctionData<TModels, TMetadata, TCheckpoint>;
    exec: (
        nango: NangoSync<TModels, TMetadata, TCheckpoint>,
        trigger: FunctionCall<z.output<TInput>>
    ) => z.output<TOutput> | Promise<z.output<TOutput>>;
}

/** A function that says by itself what starts it. */
export declare function createFunction<
    TInput extends z.ZodType = z.ZodType<unknown>,
    TOutput extends z.ZodType = z.ZodType<any>,
    TModels extends ModelSchemas = ModelSchemas,
    TMetadata extends MetadataSchema | undefined = undefined,
    TCheckpoint extends CheckpointSchema | undefined = undefined
>(
    definition: FunctionDefinition<TInput, TOutput, TModels, TMetadata, TCheckpoint>
): FunctionDefinition<TInput, TOutput, TModels, TMetadata, TCheckpoint> & { type: 'function' };
