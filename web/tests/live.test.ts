import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Renewal } from '../src/lib/api/client.js';
import { watchStore, type LiveEvent } from '../src/lib/api/live.js';

/** What a browser's `EventSource` is to its page, moved by the test. */
class Source extends EventTarget {
	static opened: Source[] = [];
	readyState = 1;

	constructor(readonly url: string) {
		super();
		Source.opened.push(this);
	}

	say(name: string, data: unknown, lastEventId: string): void {
		this.dispatchEvent(Object.assign(new Event(name), { data: JSON.stringify(data), lastEventId }));
	}

	/** Refused, as with 401: a browser gives up. */
	refuse(): void {
		this.readyState = 2;
		this.dispatchEvent(new Event('error'));
	}

	close(): void {
		this.readyState = 2;
	}
}

function watch(renewals: Renewal[]) {
	Source.opened = [];
	const [events, asked]: [LiveEvent[], Renewal[]] = [[], []];
	const seen = { events, asked, resets: 0 };
	const renew = async () => {
		const renewal = renewals[seen.asked.length] ?? 'over';
		seen.asked.push(renewal);
		return renewal;
	};
	const watcher = { onEvent: (event: LiveEvent) => seen.events.push(event), onReset: () => (seen.resets += 1) };
	const stop = watchStore('warung bu sri', watcher, { renew }, { pause: 1, EventSource: Source as unknown as typeof EventSource });
	return { seen, stop };
}

const until = async (is: () => boolean) => {
	while (!is()) await new Promise((done) => setTimeout(done, 1));
};

test('events come with their place, and a reset is told', () => {
	const { seen, stop } = watch([]);
	const [source] = Source.opened;
	assert.equal(source?.url, '/api/v1/stores/warung%20bu%20sri/live');
	source?.say('order.changed', { occurred_at: '2026-11-23T01:00:00Z', payload: { order_status: 'paid' } }, '812-5');
	source?.say('reset', {}, '900-0');
	source?.say('a.name.of.later', {}, '901-0');
	assert.deepEqual(seen.events, [
		{ id: '812-5', name: 'order.changed', occurredAt: new Date('2026-11-23T01:00:00Z'), payload: { order_status: 'paid' } }
	]);
	assert.equal(seen.resets, 1);
	stop();
});

test('a stream that is refused is opened again with another token, and the screen is loaded again', async () => {
	const { seen, stop } = watch(['later', 'renewed']);
	Source.opened[0]?.refuse();
	await until(() => Source.opened.length === 2);
	assert.deepEqual([seen.asked, seen.resets], [['later', 'renewed'], 1]);
	stop();
	assert.equal(Source.opened[1]?.readyState, 2);
});

test('who is signed out watches no more', async () => {
	const { seen } = watch(['over']);
	Source.opened[0]?.refuse();
	await until(() => seen.asked.length === 1);
	await new Promise((done) => setTimeout(done, 10));
	assert.deepEqual([Source.opened.length, seen.resets], [1, 0]);
});
