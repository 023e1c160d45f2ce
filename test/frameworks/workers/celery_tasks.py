"""A Celery application whose broker and results are on the server whose port is in PORT."""
import os

from celery import Celery

url = f"redis://127.0.0.1:{os.environ['PORT']}/1"
app = Celery("celery_tasks", broker=url, backend=url)
app.conf.update(broker_connection_retry_on_startup=True, result_expires=100, task_acks_late=True)


@app.task
def add(a, b):
    return a + b


@app.task
def total(numbers):
    return sum(numbers)


@app.task(bind=True, max_retries=2)
def third_time(self):
    if self.request.retries < 2:
        raise self.retry(countdown=0.1)
    return self.request.retries
