// kafkajs as a program of the matrix (../README.md). It sends no idempotent batches by default, and consumes in groups only.
const { Kafka, CompressionTypes, CompressionCodecs, logLevel } = require('kafkajs')
CompressionCodecs[CompressionTypes.Snappy] = require('kafkajs-snappy')

const print = o => process.stdout.write(JSON.stringify(o) + '\n')

async function create (kafka, topic, partitions) {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: Number(partitions), replicationFactor: 3 }], waitForLeaders: true })
  await admin.disconnect()
}

async function produce (kafka, topic, mode, count, base) {
  const producer = kafka.producer(mode === 'idempotent' ? { idempotent: true, maxInFlightRequests: 1 } : {})
  await producer.connect()
  const compression = { gzip: CompressionTypes.GZIP, snappy: CompressionTypes.Snappy }[mode]
  for (let i = 0; i < Number(count); i += 50) {
    const messages = []
    for (let j = i; j < Math.min(i + 50, Number(count)); j++) {
      messages.push({ key: `k${j}`, value: `${mode}-${j}-${'x'.repeat(100)}`, headers: { n: String(j) }, timestamp: String(Number(base) + j) })
    }
    await producer.send({ topic, messages, compression, acks: -1 })
    for (const m of messages) print({ v: m.value }) // it tells a base offset for each partition, not one for each record
  }
  await producer.disconnect()
}

async function consume (kafka, topic, groupId) {
  const consumer = kafka.consumer({ groupId, sessionTimeout: 10000, heartbeatInterval: 500, maxWaitTimeInMs: 200 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    autoCommitInterval: 200,
    eachMessage: async ({ partition, message: m }) => {
      print({ p: partition, o: Number(m.offset), k: m.key.toString(), v: m.value.toString(), n: m.headers.n ? m.headers.n.toString() : '', t: Number(m.timestamp) })
    }
  })
  process.stdin.resume()
  await new Promise(resolve => process.stdin.on('end', resolve))
  await consumer.disconnect()
}

async function committed (kafka, topic, groupId) {
  const admin = kafka.admin()
  await admin.connect()
  for (const t of await admin.fetchOffsets({ groupId, topics: [topic] })) {
    for (const p of t.partitions) print({ p: p.partition, o: Number(p.offset) })
  }
  await admin.disconnect()
}

const [command, brokers, ...args] = process.argv.slice(2)
const kafka = new Kafka({ clientId: 'matrix', brokers: brokers.split(','), logLevel: logLevel.ERROR, retry: { retries: 20 }, logCreator: () => e => console.error(e.namespace, e.log.message) })
const commands = { create, produce, consume, committed }
commands[command](kafka, ...args).then(() => process.exit(0), err => {
  console.error('kafkajs:', err)
  process.exit(1)
})
