export {
  type AsyncOptions,
  InjectMillrace,
  MILLRACE,
  MillraceModule,
  type ModuleOptions,
} from "./MillraceModule.ts"
export type { MountOptions } from "./mount.ts"
