import type * as z from 'zod';

export type Schema = z.ZodObject | z.ZodVoid;

export interface RequestOptions {
    endpoint: string;
    params?: Record<string, string | number>;
    headers?: Record<string, string>;
    data?: unknown;
    retries?: number;
    retryOn?: number[];
}

export interface Reply<T> {
    data: T;
    status: number;
    headers: Record<string, string>;
}

export declare class ActionError<T = Record<string, unknown>> extends Error {
    constructor(payload?: T);
}

export interface Action<Metadata = unknown> {
    readonly ActionError: typeof ActionError;
    get<T = any>(options: RequestOptions): Promise<Reply<T>>;
    post<T = any>(options: RequestOptions): Promise<Reply<T>>;
    getMetadata<T = Metadata>(): Promise<T>;
    log(...values: unknown[]): Promise<void>;
}

export interface Sync<Models extends Record<string, z.ZodObject>> extends Action {
    batchSave<K extends keyof Models & string>(records: z.infer<Models[K]>[], model: K): Promise<void>;
}

export interface ActionOptions<I extends z.ZodType, O extends z.ZodType> {
    description: string;
    version?: string;
    input: I;
    output: O;
    exec(nango: Action, input: z.infer<I>): Promise<z.infer<O>> | z.infer<O>;
}

export interface SyncOptions<Models extends Record<string, z.ZodObject>> {
    description: string;
    frequency: string;
    models: Models;
    exec(nango: Sync<Models>): Promise<void>;
}

export declare function createAction<I extends z.ZodType, O extends z.ZodType>(options: ActionOptions<I, O>): ActionOptions<I, O>;
export declare function createSync<Models extends Record<string, z.ZodObject>>(options: SyncOptions<Models>): SyncOptions<Models>;
