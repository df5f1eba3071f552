import "reflect-metadata"
import { InjectMillrace, MillraceModule } from "@millrace/nest"
import type { Millrace } from "@millrace/node"
import { Injectable, Module } from "@nestjs/common"
import { NestFactory } from "@nestjs/core"

@Injectable()
class Orders {
  constructor(@InjectMillrace() private readonly millrace: Millrace.Millrace) {}

  place(): Promise<string | null> {
    return this.millrace.logEvent({ event: "order_placed" })
  }
}

@Module({ imports: [MillraceModule.forRoot({ keys: { server: ["secret-1"] } })], providers: [Orders] })
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: false })
await app.init()
if ((await app.get(Orders).place()) === null) throw new Error("the event has no id")
await app.close()
