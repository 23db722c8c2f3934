"""gRPC's protocol over HTTP/2 as an ASGI application; the HTTP/2 beneath it is the server's (see docs/adr/010).

Facts from the specification: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""
