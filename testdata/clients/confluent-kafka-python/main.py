"""confluent-kafka for Python, and with it librdkafka, as a program of the matrix (../README.md)."""
import json
import sys
import threading

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic


def put(**fields):
    print(json.dumps(fields), flush=True)


def create(brokers, topic, partitions):
    admin = AdminClient({"bootstrap.servers": brokers})
    for future in admin.create_topics([NewTopic(topic, int(partitions), 3)], operation_timeout=30).values():
        future.result()


def produce(brokers, topic, mode, count, base):
    config = {"bootstrap.servers": brokers}
    if mode == "idempotent":
        config["enable.idempotence"] = True
    elif mode != "default":
        config["compression.type"] = mode
    failed = []

    def delivered(err, m):
        if err is not None:
            failed.append(err)
        else:
            put(v=m.value().decode(), p=m.partition(), o=m.offset())

    producer = Producer(config)
    for i in range(int(count)):
        producer.produce(topic, key=f"k{i}", value=f"{mode}-{i}-" + "x" * 100, headers={"n": str(i)}, timestamp=int(base) + i, on_delivery=delivered)
    producer.flush()
    if failed:
        sys.exit(f"confluent-kafka-python: {failed[0]}")


def consume(brokers, topic, group, protocol):
    config = {"bootstrap.servers": brokers, "group.id": group, "auto.offset.reset": "earliest", "group.protocol": protocol, "auto.commit.interval.ms": 200}
    if protocol == "classic":
        config["session.timeout.ms"] = 10000
    consumer = Consumer(config)
    consumer.subscribe([topic])
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    while not ended.is_set():
        m = consumer.poll(0.1)
        if m is None:
            continue
        if m.error():
            print("confluent-kafka-python:", m.error(), file=sys.stderr)
            continue
        n = "".join(v.decode() for _, v in m.headers() or [])
        put(p=m.partition(), o=m.offset(), k=m.key().decode(), v=m.value().decode(), n=n, t=m.timestamp()[1])
    consumer.close()


def committed(brokers, topic, group, partitions):
    admin = AdminClient({"bootstrap.servers": brokers})
    asked = [ConsumerGroupTopicPartitions(group, [TopicPartition(topic, p) for p in range(int(partitions))])]
    for future in admin.list_consumer_group_offsets(asked).values():
        for tp in future.result().topic_partitions:
            put(p=tp.partition, o=tp.offset)


if __name__ == "__main__":
    {"create": create, "produce": produce, "consume": consume, "committed": committed}[sys.argv[1]](*sys.argv[2:])
