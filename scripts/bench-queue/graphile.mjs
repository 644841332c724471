// graphile-worker, with the settings of its documentation's page "Performance".
import { Logger, makeWorkerUtils, run } from 'graphile-worker'
import { bench } from './bench.mjs'

process.env.NO_LOG_SUCCESS = '1' // no line a job, as in the project's own perfTest
const logger = new Logger(() => (level, message) => { if (level === 'error') console.error(message) })
let utils

await bench({
  name: 'graphile-worker',
  // "Performance" scales by processes, perfTest runs four of them; on two cores two are faster than one or four.
  processes: 2,
  left: 'select exists (select from graphile_worker._private_jobs) as left', // a completed job is deleted
  async install (url) {
    utils = await makeWorkerUtils({ connectionString: url, logger })
    await utils.migrate()
  },
  // Page "addJobs()": the efficient way to add a batch.
  add: payloads => utils.addJobs(payloads.map(payload => ({ identifier: 'bench', payload }))),
  close: () => utils.release(),
  async work (url, inFlight, job) {
    const runner = await run({
      logger,
      noHandleSignals: true,
      parsedCronItems: [],
      taskList: { bench: job },
      preset: {
        worker: {
          connectionString: url,
          concurrentJobs: inFlight,
          maxPoolSize: inFlight + 1,
          // "Performance", section "Batching": the page has 500 and says that it depends. 10,000 was a quarter faster here,
          // with the same latency; longer delays than 0 were not.
          localQueue: { size: 10000 },
          completeJobBatchDelay: 0,
          failJobBatchDelay: 0
        }
      }
    })
    return () => runner.stop()
  }
})
