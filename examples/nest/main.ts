import "reflect-metadata"
import { MillraceModule } from "@millrace/nest"
import { Module } from "@nestjs/common"
import { NestFactory } from "@nestjs/core"

@Module({
  imports: [
    MillraceModule.forRoot({
      keys: { server: ["secret-example"] },
      destinations: [{ id: "warehouse", url: process.env.WEBHOOK_URL ?? "http://127.0.0.1:9000/" }],
      allowPrivateDestinations: ["127.0.0.1"], // for a receiver on this machine
    }),
  ],
})
class AppModule {}

const app = await NestFactory.create(AppModule)
app.enableShutdownHooks() // on SIGTERM: closes the server, then sends what is pending

const port = Number(process.env.PORT ?? 8080)
await app.listen(port)
console.log(`listening on port ${port}`)
