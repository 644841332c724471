/** Live updates of a store: what `GET /api/v1/stores/{store}/live` streams. */
import type { Api } from './client.js';

export interface LiveEvent {
	/** Its place: where to go on from. */
	id: string;
	/** `order.changed`, `run.published`, ... */
	name: string;
	occurredAt: Date;
	payload: unknown;
}

export interface Watcher {
	/** Something happened. */
	onEvent: (event: LiveEvent) => void;
	/** What is on the screen may be old: load it again. */
	onReset: () => void;
}

export interface Options {
	baseUrl?: string;
	/** Milliseconds before a stream that was refused is asked for again, and at most as long again. */
	pause?: number;
	/** Tests give their own. */
	EventSource?: typeof EventSource;
}

const NAMES = ['run.published', 'plan.changed', 'order.changed', 'orders.imported', 'payment.changed', 'sales.ingested'];
/** Of an `EventSource` that does not come back by itself. */
const CLOSED = 2;

/**
 * Watches until the returned function is called, or the session is over.
 *
 * A stream that breaks the browser opens again by itself, where it was. One that is refused it gives up: a stream ends with its access token, and
 * then asks without one. So another token is asked for, and what is on the screen is loaded again, since a new stream begins anew.
 */
export function watchStore(store: string, watcher: Watcher, api: Pick<Api, 'renew'>, options: Options = {}): () => void {
	const { baseUrl = '', pause = 3000, EventSource: Source = EventSource } = options;
	let source: EventSource | undefined;
	let waiting: ReturnType<typeof setTimeout> | undefined;
	let isStopped = false;

	const again = async (): Promise<void> => {
		const renewal = await api.renew();
		if (isStopped || renewal === 'over') return;
		if (renewal === 'later') return later();
		open();
		watcher.onReset();
	};
	const later = (): void => {
		waiting = setTimeout(() => void again(), pause + Math.random() * pause);
	};
	const open = (): void => {
		const opened = new Source(`${baseUrl}/api/v1/stores/${encodeURIComponent(store)}/live`);
		source = opened;
		opened.addEventListener('reset', () => watcher.onReset());
		opened.addEventListener('error', () => {
			if (opened.readyState === CLOSED && !isStopped) later();
		});
		for (const name of NAMES) {
			opened.addEventListener(name, (message: MessageEvent<string>) => {
				const { occurred_at, payload } = JSON.parse(message.data) as { occurred_at: string; payload: unknown };
				watcher.onEvent({ id: message.lastEventId, name, occurredAt: new Date(occurred_at), payload });
			});
		}
	};
	open();
	return () => {
		isStopped = true;
		clearTimeout(waiting);
		source?.close();
	};
}
