// @platformatic/kafka as a program of the matrix (../README.md).
import { Admin, Consumer, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'

// The library wants Node 22; this is all that it misses in Node 20.
Promise.withResolvers ??= function () {
  const made = {}
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }))
  return made
}

const print = o => process.stdout.write(JSON.stringify(o) + '\n')

async function create (client, topic, partitions) {
  const admin = new Admin(client)
  await admin.createTopics({ topics: [topic], partitions: Number(partitions), replicas: 3 })
  await admin.close()
}

async function produce (client, topic, mode, count, base) {
  const options = { ...client, serializers: stringSerializers }
  if (mode === 'idempotent') options.idempotent = true
  else if (mode !== 'default') options.compression = mode
  const producer = new Producer(options)
  for (let i = 0; i < Number(count); i += 50) {
    const messages = []
    for (let j = i; j < Math.min(i + 50, Number(count)); j++) {
      messages.push({ topic, key: `k${j}`, value: `${mode}-${j}-${'x'.repeat(100)}`, headers: { n: String(j) }, timestamp: BigInt(base) + BigInt(j) })
    }
    await producer.send({ messages })
    for (const m of messages) print({ v: m.value }) // it tells a base offset for each partition, not one for each record
  }
  await producer.close()
}

async function consume (client, topic, groupId, groupProtocol) {
  const consumer = new Consumer({ ...client, groupId, groupProtocol, deserializers: stringDeserializers, maxWaitTime: 200 })
  const times = groupProtocol === 'classic' ? { sessionTimeout: 10000, heartbeatInterval: 500 } : {}
  const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest', autocommit: 200, ...times })
  stream.on('data', m => {
    print({ p: m.partition, o: Number(m.offset), k: m.key, v: m.value, n: m.headers.get('n') ?? '', t: Number(m.timestamp) })
  })
  stream.on('error', err => console.error('platformatic:', err.message))
  process.stdin.resume()
  await new Promise(resolve => process.stdin.on('end', resolve))
  await stream.close()
  await consumer.close()
}

async function committed (client, topic, groupId, partitions) {
  const admin = new Admin(client)
  const groups = await admin.listConsumerGroupOffsets({ groups: [groupId] })
  for (const t of groups[0].topics) {
    if (t.name === topic) for (const p of t.partitions) print({ p: p.partitionIndex, o: Number(p.committedOffset) })
  }
  await admin.close()
}

const [command, brokers, ...args] = process.argv.slice(2)
const client = { clientId: 'matrix', bootstrapBrokers: brokers.split(','), retries: 20, retryDelay: 200 }
const commands = { create, produce, consume, committed }
commands[command](client, ...args).then(() => process.exit(0), err => {
  console.error('platformatic:', err)
  process.exit(1)
})
