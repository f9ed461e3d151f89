/** HTTP calls of a function: what goes in and what comes out. */

/** Methods that a call may have, in either case. */
export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'get' | 'post' | 'put' | 'patch' | 'delete';

/** How the body of an answer is read. */
export type ResponseType = 'arraybuffer' | 'blob' | 'document' | 'json' | 'text' | 'stream';

type ParamScalar = string | number | boolean | null | undefined;

/** Query parameters: text, or one value or several for each key. */
export type QueryParams = string | Record<string, ParamScalar | readonly ParamScalar[]>;

/** Where an answer tells when to try again. */
export interface RetryHeader {
    /** Name of a header that holds a time. */
    at?: string | undefined;
    /** Name of a header that holds seconds. */
    after?: string | undefined;
}

/** One call to the provider. */
export interface ProxyConfiguration {
    /** Path below the base URL. */
    endpoint: string;
    /** Default GET. */
    method?: HttpMethod | undefined;
    params?: QueryParams | undefined;
    /** Body: an object is sent as JSON, `URLSearchParams` as a form, text and bytes as they are. */
    data?: unknown;
    headers?: Record<string, string | number | boolean | null | undefined> | undefined;
    /** How often a failed call is made again; default 0. */
    retries?: number | undefined;
    /** Statuses that are tried again beside those of the provider. */
    retryOn?: number[] | null | undefined;
    retryHeader?: RetryHeader | undefined;
    /** Another base URL than the provider's. */
    baseUrlOverride?: string | undefined;
    responseType?: ResponseType | undefined;
    decompress?: boolean | undefined;
    forwardHeadersOnRedirect?: boolean | undefined;
    paginate?: PaginateOptions | undefined;
    /** Another integration than that of the run. */
    providerConfigKey?: string | undefined;
    /** Another connection than that of the run. */
    connectionId?: string | undefined;
}

/** Answer to a call. */
export interface ProxyResponse<T = any> {
    data: T;
    status: number;
    statusText: string;
    /** Names are in lower case. */
    headers: Record<string, any>;
    config: any;
    request?: any;
}

/** What `on_page` gets after a page was taken. */
export interface PageState {
    /** Cursor, link or offset of what comes next. */
    nextPageParam?: string | number | undefined;
    response: ProxyResponse;
}

/** Settings that every kind of pagination has. */
export interface PaginationSettings {
    /** Size of a page. */
    limit?: number | string | undefined;
    /** Parameter that the size is sent as. */
    limit_name_in_request?: string | undefined;
    /** Dotted path of the list in the answer; without one the answer is the list. */
    response_path?: string | undefined;
    /** Whether parameters go to the body; otherwise the method decides. */
    in_body?: boolean | undefined;
    on_page?: ((state: PageState) => Promise<void>) | undefined;
}

/** The answer names the next page by a cursor. */
export interface CursorPagination extends PaginationSettings {
    type?: 'cursor' | undefined;
    cursor_name_in_request?: string | undefined;
    cursor_path_in_response?: string | undefined;
}

/** The answer links to the next page. */
export interface LinkPagination extends PaginationSettings {
    type?: 'link' | undefined;
    link_rel_in_response_header?: string | undefined;
    link_path_in_response_body?: string | undefined;
}

/** Pages are counted. */
export interface OffsetPagination extends PaginationSettings {
    type?: 'offset' | undefined;
    offset_name_in_request?: string | undefined;
    offset_start_value?: number | undefined;
    offset_calculation_method?: 'by-response-size' | 'per-page' | undefined;
}

/** How `nango.paginate` finds the next page; overlays the settings of the provider. */
export type PaginateOptions = CursorPagination | LinkPagination | OffsetPagination;
