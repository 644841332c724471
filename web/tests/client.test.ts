import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, test } from 'node:test';

import { ApiError, createApi, unwrap } from '../src/lib/api/client.js';

const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

type Answer = (request: IncomingMessage, body: string, response: ServerResponse) => void;

/** A server on a free port; its address. */
async function serve(answer: Answer): Promise<string> {
	const server = createServer((request, response) => {
		let body = '';
		request.on('data', (chunk) => (body += chunk));
		request.on('end', () => answer(request, body, response));
	});
	await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
	closing.push(() => server.close());
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const problem = (status: number, type: string) => ({ type, title: 'Ditolak', status, detail: 'Tidak boleh.', instance: '/', trace_id: 'a'.repeat(32) });

function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
	const kind = status < 400 ? 'application/json' : 'application/problem+json';
	response.writeHead(status, { 'content-type': kind, ...headers }).end(JSON.stringify(body));
}

const ORDER = { items: [{ product: 'Ayam Geprek', quantity: 1 }] };

function order(api: ReturnType<typeof createApi>) {
	return unwrap(api.POST('/api/v1/stores/{store}/orders', { params: { path: { store: 'warung-bu-sri' } }, body: ORDER }));
}

test('a write carries the token of its session, a read does not', async () => {
	const seen: [string | undefined, string | string[] | undefined][] = [];
	const baseUrl = await serve((request, _, response) => {
		seen.push([request.method, request.headers['x-csrf-token']]);
		send(response, 200, {});
	});
	const api = createApi({ baseUrl, cookies: () => 'theme=dark; viralcast_csrf=abc' });
	await unwrap(api.GET('/api/v1/users/me'));
	await order(api);
	assert.deepEqual(seen, [['GET', undefined], ['POST', 'abc']]);
});

test('an access token that has run out is renewed once for all who wait, and what was asked is asked again', async () => {
	let renewals = 0;
	let bodies: string[] = [];
	const baseUrl = await serve((request, body, response) => {
		if (request.url === '/api/v1/auth/refresh') {
			renewals += 1;
			setTimeout(() => send(response, 200, {}), 20);
		} else if (renewals === 0) {
			send(response, 401, problem(401, '/problems/token-expired'));
		} else {
			bodies.push(body);
			send(response, 201, {});
		}
	});
	const api = createApi({ baseUrl, cookies: () => '' });
	await Promise.all([order(api), order(api), order(api)]);
	assert.equal(renewals, 1);
	assert.deepEqual(bodies.map((body) => JSON.parse(body)), [ORDER, ORDER, ORDER]);
});

test('a session that is over is told of, and the answer is the refusal', async () => {
	const baseUrl = await serve((_, __, response) => send(response, 401, problem(401, '/problems/invalid-token')));
	let told = 0;
	const api = createApi({ baseUrl, cookies: () => '', onSignedOut: () => (told += 1) });
	await assert.rejects(order(api), (error) => error instanceof ApiError && error.problem.status === 401);
	assert.equal(told, 1);
});

test('a server that is busy says nothing of the session', async () => {
	const baseUrl = await serve((request, _, response) => {
		if (request.url === '/api/v1/auth/refresh') send(response, 503, problem(503, '/problems/unavailable'));
		else send(response, 401, problem(401, '/problems/sign-in-required'));
	});
	let told = 0;
	const api = createApi({ baseUrl, cookies: () => '', onSignedOut: () => (told += 1) });
	await assert.rejects(order(api), (error) => error instanceof ApiError && error.problem.status === 401);
	assert.deepEqual([told, await api.renew()], [0, 'later']);
});

test('a wrong password is no reason for another token', async () => {
	const asked: (string | undefined)[] = [];
	const baseUrl = await serve((request, _, response) => {
		asked.push(request.url);
		send(response, 401, problem(401, '/problems/wrong-credentials'));
	});
	let told = 0;
	const api = createApi({ baseUrl, cookies: () => '', onSignedOut: () => (told += 1) });
	const erase = unwrap(api.POST('/api/v1/users/me/erasure', { body: { password: 'salah' } }));
	await assert.rejects(erase, (error) => error instanceof ApiError && error.problem.type === '/problems/wrong-credentials');
	assert.deepEqual([asked, told], [['/api/v1/users/me/erasure'], 0]);
});

test('what went wrong is said as the server says it', async () => {
	const baseUrl = await serve((request, _, response) => {
		assert.equal(request.headers['accept-language'], 'id');
		send(response, 429, problem(429, '/problems/too-many-requests'), { 'retry-after': '7' });
	});
	const api = createApi({ baseUrl, cookies: () => '', language: 'id' });
	await assert.rejects(order(api), (error) => {
		assert.ok(error instanceof ApiError);
		assert.deepEqual([error.problem.type, error.message, error.retryAfter], ['/problems/too-many-requests', 'Tidak boleh.', 7]);
		return true;
	});
});

test('what no server of ours says is an error too', async () => {
	const baseUrl = await serve((_, __, response) => response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad gateway</h1>'));
	const api = createApi({ baseUrl, cookies: () => '' });
	await assert.rejects(order(api), (error) => error instanceof ApiError && error.problem.type === '/problems/unreadable');
});
