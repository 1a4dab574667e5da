"""kafka-python as a program of the matrix (../README.md)."""
import json
import sys
import threading

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic


def put(**fields):
    print(json.dumps(fields), flush=True)


def create(brokers, topic, partitions):
    admin = KafkaAdminClient(bootstrap_servers=brokers)
    admin.create_topics([NewTopic(topic, int(partitions), 3)])
    admin.close()


def produce(brokers, topic, mode, count, base):
    config = {}
    if mode == "idempotent":
        config = {"enable_idempotence": True}
    elif mode not in ("default", "none"):
        config = {"compression_type": mode}
    producer = KafkaProducer(bootstrap_servers=brokers, **config)
    sent = []
    for i in range(int(count)):
        value = f"{mode}-{i}-" + "x" * 100
        sent.append((value, producer.send(topic, key=f"k{i}".encode(), value=value.encode(), headers=[("n", str(i).encode())], timestamp_ms=int(base) + i)))
    producer.flush()
    for value, future in sent:
        done = future.get(timeout=60)
        put(v=value, p=done.partition, o=done.offset)
    producer.close()


def consume(brokers, topic, group, protocol):
    consumer = KafkaConsumer(topic, bootstrap_servers=brokers, group_id=group, auto_offset_reset="earliest", auto_commit_interval_ms=200,
                             session_timeout_ms=10000, heartbeat_interval_ms=500)
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    while not ended.is_set():
        for records in consumer.poll(timeout_ms=100).values():
            for r in records:
                put(p=r.partition, o=r.offset, k=r.key.decode(), v=r.value.decode(), n="".join(v.decode() for _, v in r.headers), t=r.timestamp)
    consumer.close()


def committed(brokers, topic, group, partitions):
    admin = KafkaAdminClient(bootstrap_servers=brokers)
    found = admin.list_group_offsets(group) if hasattr(admin, "list_group_offsets") else admin.list_consumer_group_offsets(group)
    found = found.get(group, found)
    for tp, o in found.items():
        if tp.topic == topic:
            put(p=tp.partition, o=o.offset)
    admin.close()


if __name__ == "__main__":
    brokers = sys.argv[2].split(",")
    {"create": create, "produce": produce, "consume": consume, "committed": committed}[sys.argv[1]](brokers, *sys.argv[3:])
