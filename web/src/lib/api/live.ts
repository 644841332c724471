/** Live updates of a store: what `GET /api/v1/stores/{store}/live` streams. */

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

const NAMES = ['run.published', 'plan.changed', 'order.changed', 'orders.imported', 'payment.changed', 'sales.ingested'];

/** Watches until the returned function is called. The browser comes back by itself, and goes on where it was. */
export function watchStore(store: string, watcher: Watcher, baseUrl = ''): () => void {
	const source = new EventSource(`${baseUrl}/api/v1/stores/${encodeURIComponent(store)}/live`);
	source.addEventListener('reset', () => watcher.onReset());
	for (const name of NAMES) {
		source.addEventListener(name, (message: MessageEvent<string>) => {
			const { occurred_at, payload } = JSON.parse(message.data) as { occurred_at: string; payload: unknown };
			watcher.onEvent({ id: message.lastEventId, name, occurredAt: new Date(occurred_at), payload });
		});
	}
	return () => source.close();
}
