/**
 * The API for our own pages: typed by its OpenAPI document (`schema.d.ts`, made by `npm run generate`), signed in by cookies.
 *
 * What every page would otherwise do for itself: the CSRF token goes along, an access token that has run out is renewed once for all who
 * wait, and what went wrong is a `Problem`.
 */
import createClient, { type Client, type Middleware } from 'openapi-fetch';
import type { components, paths } from './schema.js';

export type Schemas = components['schemas'];
export type Problem = Schemas['Problem'];

/** What the server says went wrong (RFC 9457), in the language of the page. */
export class ApiError extends Error {
	constructor(
		readonly problem: Problem,
		/** After how many seconds to try again, where the server says so. */
		readonly retryAfter: number | undefined
	) {
		super(problem.detail);
		this.name = 'ApiError';
	}
}

export interface Options {
	/** Where the API is; by default where the page is from. */
	baseUrl?: string;
	/** `id` or `en`. */
	language?: string;
	fetch?: typeof fetch;
	/** The page's cookies; tests give their own. */
	cookies?: () => string;
	/** The session is over: show the sign-in page. */
	onSignedOut?: () => void;
}

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);
const REFRESH = '/api/v1/auth/refresh';
const RENEWABLE = new Set(['/problems/sign-in-required', '/problems/token-expired', '/problems/invalid-token']);
const CSRF_COOKIES = ['__Host-viralcast_csrf', 'viralcast_csrf'];

/** What came of asking for another access token: one is there, the session is over, or nobody knows yet. */
export type Renewal = 'renewed' | 'over' | 'later';

/** `renew` is for what is no request of this client: a live stream whose token has run out. */
export type Api = Client<paths> & { renew: () => Promise<Renewal> };

export function createApi(options: Options = {}): Api {
	const baseUrl = options.baseUrl ?? '';
	const send = options.fetch ?? ((input, init) => fetch(input, init));
	const cookies = options.cookies ?? (() => document.cookie);
	const session = new Session(() => send(refreshRequest(baseUrl, cookies)));

	const fetchAgain = async (request: Request): Promise<Response> => {
		// A body can be sent once.
		const again = request.clone();
		const response = await send(request);
		if (!(await asksForToken(response))) return response;
		const renewal = await session.renew();
		if (renewal === 'over') options.onSignedOut?.();
		if (renewal !== 'renewed') return response;
		withCsrfToken(again.headers, again.method, cookies());
		return send(again);
	};
	const api = createClient<paths>({ baseUrl, credentials: 'same-origin', fetch: fetchAgain });
	api.use(headers(options.language, cookies), problems);
	return Object.assign(api, { renew: () => session.renew() });
}

/** The answer's data, or an `ApiError`: for `await unwrap(api.GET(...))`. */
export async function unwrap<T>(answer: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
	const { data, error, response } = await answer;
	if (!response.ok) throw error instanceof ApiError ? error : unreadable(response);
	return data as T;
}

/** For the `Idempotency-Key` of a form: make one when it is opened, so that sending it twice does it once. */
export function idempotencyKey(): string {
	return crypto.randomUUID();
}

/** One renewal at a time: a refresh token that comes twice ends the session. */
class Session {
	#renewal: Promise<Renewal> | undefined;

	constructor(private readonly refresh: () => Promise<Response>) {}

	/** A server that is busy, or a network that is away, says nothing of the session. */
	renew(): Promise<Renewal> {
		this.#renewal ??= this.refresh()
			.then((response): Renewal => (response.ok ? 'renewed' : [401, 403].includes(response.status) ? 'over' : 'later'))
			.catch((): Renewal => 'later')
			.finally(() => (this.#renewal = undefined));
		return this.#renewal;
	}
}

/** Whether another access token may help: a wrong password is a 401 too. */
async function asksForToken(response: Response): Promise<boolean> {
	if (response.status !== 401) return false;
	const problem = (await response.clone().json().catch(() => ({}))) as Partial<Problem>;
	return RENEWABLE.has(problem.type ?? '');
}

function refreshRequest(baseUrl: string, cookies: () => string): Request {
	const headers = new Headers({ 'content-type': 'application/json' });
	withCsrfToken(headers, 'POST', cookies());
	const origin = baseUrl || globalThis.location?.origin;
	return new Request(new URL(REFRESH, origin), { method: 'POST', headers, body: '{}', credentials: 'same-origin' });
}

function withCsrfToken(headers: Headers, method: string, cookies: string): void {
	const token = SAFE.has(method) ? undefined : csrfToken(cookies);
	if (token) headers.set('x-csrf-token', token);
}

function csrfToken(cookies: string): string | undefined {
	const pairs = cookies.split(';').map((pair) => pair.trim().split('='));
	return pairs.find(([name]) => CSRF_COOKIES.includes(name ?? ''))?.[1];
}

function headers(language: string | undefined, cookies: () => string): Middleware {
	return {
		onRequest({ request }) {
			withCsrfToken(request.headers, request.method, cookies());
			if (language) request.headers.set('accept-language', language);
			return request;
		}
	};
}

/** Errors become `ApiError`s, which `unwrap` throws. */
const problems: Middleware = {
	async onResponse({ response }) {
		if (response.ok || response.status === 304) return undefined;
		const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json');
		if (!isProblem) throw unreadable(response);
		const retryAfter = Number(response.headers.get('retry-after') ?? NaN);
		throw new ApiError((await response.json()) as Problem, Number.isFinite(retryAfter) ? retryAfter : undefined);
	}
};

/** Something between us and the server answered: a proxy, a captive portal. */
function unreadable(response: Response): ApiError {
	const problem: Problem = {
		type: '/problems/unreadable',
		title: 'Unreadable',
		status: response.status,
		detail: `HTTP ${response.status}`,
		instance: new URL(response.url || 'http://localhost/').pathname,
		trace_id: response.headers.get('x-request-id') ?? ''
	};
	return new ApiError(problem, undefined);
}
