"""The old stack's API in small: FastAPI, SQLAlchemy's async sessions over asyncpg, a signed token, a task for Celery.

What its two routes do is what ours do at least: the session and the person are read, the token's signature is checked;
an order debits, writes its journal entry and its row in one transaction, then hands a task to Celery.
"""
import os
import uuid
from datetime import datetime, timezone

import jwt
from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel
from sqlalchemy import Column, DateTime, ForeignKey, Integer, String, select, update
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import declarative_base, sessionmaker

from old_tasks import generate

SECRET = os.environ["JWT_SECRET"]
CREDITS = 1_000_000_000
PRICE = 2
Base = declarative_base()


class Person(Base):
    __tablename__ = "people"
    id = Column(UUID(as_uuid=True), primary_key=True)
    balance = Column(Integer, nullable=False)
    reserved = Column(Integer, nullable=False)


class Session(Base):
    __tablename__ = "sessions"
    id = Column(UUID(as_uuid=True), primary_key=True)
    person_id = Column(ForeignKey("people.id"), nullable=False)


class Entry(Base):
    __tablename__ = "entries"
    id = Column(UUID(as_uuid=True), primary_key=True)
    person_id = Column(ForeignKey("people.id"), nullable=False, index=True)
    delta = Column(Integer, nullable=False)
    at = Column(DateTime(timezone=True), nullable=False)


class Generation(Base):
    __tablename__ = "generations"
    id = Column(UUID(as_uuid=True), primary_key=True)
    person_id = Column(ForeignKey("people.id"), nullable=False, index=True)
    zone = Column(String(32), nullable=False)
    status = Column(String(16), nullable=False)
    at = Column(DateTime(timezone=True), nullable=False)


engine = create_async_engine(os.environ["OLD_DATABASE_URL"], pool_size=10, max_overflow=0)
open_session = sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)
app = FastAPI()


async def database():
    async with open_session() as session:
        yield session


async def signed_in(authorization: str = Header(), db: AsyncSession = Depends(database)) -> Person:
    try:
        claims = jwt.decode(authorization[len("Bearer ") :], SECRET, algorithms=["HS256"])
    except jwt.PyJWTError:
        raise HTTPException(401)
    query = select(Person).join(Session, Session.person_id == Person.id).where(Session.id == uuid.UUID(claims["sid"]))
    person = (await db.execute(query)).scalar_one_or_none()
    if person is None:
        raise HTTPException(401)
    return person


class Balance(BaseModel):
    credits: int
    reserved: int


class Order(BaseModel):
    zone: str


class Accepted(BaseModel):
    id: uuid.UUID
    status: str


@app.on_event("startup")
async def prepare():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)


@app.post("/sign-in")
async def sign_in(db: AsyncSession = Depends(database)):
    person = Person(id=uuid.uuid4(), balance=CREDITS, reserved=0)
    db.add(person)
    await db.flush()
    session = Session(id=uuid.uuid4(), person_id=person.id)
    db.add(session)
    await db.commit()
    return {"token": jwt.encode({"sub": str(person.id), "sid": str(session.id)}, SECRET, algorithm="HS256")}


@app.get("/balance", response_model=Balance)
async def balance(person: Person = Depends(signed_in)):
    return Balance(credits=person.balance, reserved=person.reserved)


@app.post("/generate", response_model=Accepted, status_code=202)
async def order(order: Order, person: Person = Depends(signed_in), db: AsyncSession = Depends(database)):
    now = datetime.now(timezone.utc)
    debit = (
        update(Person)
        .where(Person.id == person.id, Person.balance >= PRICE)
        .values(balance=Person.balance - PRICE, reserved=Person.reserved + PRICE)
        .execution_options(synchronize_session=False)
    )
    if (await db.execute(debit)).rowcount == 0:
        raise HTTPException(402)
    generation = Generation(id=uuid.uuid4(), person_id=person.id, zone=order.zone, status="queued", at=now)
    db.add(Entry(id=uuid.uuid4(), person_id=person.id, delta=-PRICE, at=now))
    db.add(generation)
    await db.commit()
    generate.delay(str(generation.id))
    return Accepted(id=generation.id, status=generation.status)
