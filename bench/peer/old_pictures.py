"""The old stack's upload in small: FastAPI reads the form, Pillow decodes, turns upright, shrinks and encodes, a file is kept.

It does less than ours: whoever holds a signed token is let in without a question to a database, no row is written, and a
picture's content is not searched for other files. The route is a plain function, so that FastAPI runs it on its threads and
Pillow, which works without Python's lock, has all cores.
"""
import os
import uuid
from io import BytesIO

import jwt
from fastapi import FastAPI, File, Header, HTTPException, UploadFile
from PIL import Image, ImageOps

SECRET = os.environ["JWT_SECRET"]
FOLDER = os.environ["PICTURES_FOLDER"]
EDGE_PX_MAX = 2048
BYTES_MAX = 5 * 1024 * 1024
Image.MAX_IMAGE_PIXELS = 40_000_000
app = FastAPI()


@app.post("/sign-in")
def sign_in():
    return {"token": jwt.encode({"sub": str(uuid.uuid4())}, SECRET, algorithm="HS256")}


@app.post("/upload", status_code=201)
def upload(user_photo: UploadFile = File(), authorization: str = Header()):
    try:
        jwt.decode(authorization[len("Bearer ") :], SECRET, algorithms=["HS256"])
    except jwt.PyJWTError:
        raise HTTPException(401)
    content = user_photo.file.read(BYTES_MAX + 1)
    if len(content) > BYTES_MAX:
        raise HTTPException(413)
    try:
        picture = ImageOps.exif_transpose(Image.open(BytesIO(content), formats=["JPEG", "PNG", "WEBP"])).convert("RGB")
    except (OSError, Image.DecompressionBombError):
        raise HTTPException(422)
    picture.thumbnail((EDGE_PX_MAX, EDGE_PX_MAX), Image.Resampling.LANCZOS)
    own = BytesIO()
    picture.save(own, "JPEG", quality=88)
    name = f"{uuid.uuid4()}.jpg"
    with open(os.path.join(FOLDER, name), "wb") as kept:
        kept.write(own.getbuffer())
    return {"id": name, "width": picture.width, "height": picture.height, "bytes": own.tell()}
